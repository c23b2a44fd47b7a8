import Testing

@testable import PacelineCluster

@Suite("The window of bytes that came in")
struct InboundWindowTests {
    private static func window(burst: Int = 1000) -> InboundWindow {
        var configuration = LinkConfiguration()
        configuration.inboundBytesPerSecond = 1000
        configuration.inboundBurst = burst
        configuration.turnInterval = .milliseconds(2)
        return InboundWindow(configuration: configuration)
    }

    @Test("takes a burst at once, and a byte more exceeds it until it is paid for")
    func burst() {
        var window = Self.window()
        window.take(1000, now: .zero)
        var isExceeded = window.isExceeded(now: .zero)
        #expect(!isExceeded)
        window.take(1, now: .zero)
        isExceeded = window.isExceeded(now: .zero)
        #expect(isExceeded)
        isExceeded = window.isExceeded(now: .zero + .milliseconds(1))
        #expect(!isExceeded)
    }

    @Test("saves up no more than a burst, however long the peer was quiet")
    func quiet() {
        var window = Self.window()
        let later = Instant.zero + .seconds(3600)
        window.take(1001, now: later)
        let isExceeded = window.isExceeded(now: later)
        #expect(isExceeded)
    }

    @Test("pauses until the next turn, or longer where the allowance is used up")
    func pause() {
        var window = Self.window()
        #expect(!window.isPaused && !window.isDue(now: .zero + .seconds(9)))
        window.pause(now: .zero)
        #expect(window.isPaused && window.resumesAt == .zero + .milliseconds(2))
        #expect(!window.isDue(now: .zero + .milliseconds(1)) && window.isDue(now: .zero + .milliseconds(2)))
        window.take(1500, now: .zero)
        window.pause(now: .zero)
        #expect(window.resumesAt == .zero + .milliseconds(500))
        window.resume()
        #expect(!window.isPaused && window.resumesAt == nil)
    }
}

@Suite("The window of bytes that wait to leave")
struct OutboundWindowTests {
    private static func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test("counts the wait from the write that found nothing waiting, and again from each flush")
    func wait() {
        var window = OutboundWindow()
        #expect(window.stalled(now: Self.at(5)) == nil && window.deadline(after: .seconds(1)) == nil)
        window.wrote(10, now: Self.at(10))
        window.wrote(10, now: Self.at(20))
        #expect(window.bytes == 20 && window.stalled(now: Self.at(30)) == .milliseconds(20))
        window.flushed(5, now: Self.at(40))
        #expect(window.bytes == 15 && window.stalled(now: Self.at(45)) == .milliseconds(5))
        #expect(window.deadline(after: .milliseconds(100)) == Self.at(140))
    }

    @Test("waits for nothing once all has left, even if more is said to have left than was written")
    func empty() {
        var window = OutboundWindow()
        window.wrote(10, now: .zero)
        window.flushed(11, now: Self.at(1))
        #expect(window.bytes == 0 && window.stalled(now: Self.at(9)) == nil)
        window.wrote(3, now: Self.at(20))
        #expect(window.stalled(now: Self.at(21)) == .milliseconds(1))
    }
}
