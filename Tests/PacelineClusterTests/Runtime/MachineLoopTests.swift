import NIOCore
import NIOEmbedded
import Testing

@testable import PacelineCluster

@Suite("The loop of a machine")
struct MachineLoopTests {
    private enum Event: Equatable {
        case timer, progressed
        case number(Int)
    }

    private let eventLoop = EmbeddedEventLoop()
    private let progress = ComputeProgress()

    private func makeLoop() -> MachineLoop<Event> {
        MachineLoop(on: eventLoop, timer: .timer, progressed: .progressed, progress: progress)
    }

    @Test("lets what an event gives rise to wait until the event is done")
    func order() {
        let loop = makeLoop()
        var trace: [String] = []
        loop.handle = { [unowned loop] event, _ in
            trace.append("begin \(event)")
            if event == .number(1) {
                loop.post(.number(2))
                loop.post(.number(3))
            }
            trace.append("end \(event)")
            return nil
        }
        loop.post(.number(1))
        #expect(trace == (1...3).flatMap { ["begin number(\($0))", "end number(\($0))"] })
    }

    @Test("tells of the compute thread's progress once, before the next event")
    func progressFirst() {
        let loop = makeLoop()
        var events: [Event] = []
        loop.handle = { event, _ in
            events.append(event)
            return nil
        }
        loop.post(.number(1))
        progress.advance()
        progress.advance()
        loop.post(.number(2))
        loop.post(.number(3))
        #expect(events == [.number(1), .progressed, .number(2), .number(3)])
    }

    @Test("wakes the machine when its deadline has come, and no more than once for one deadline")
    func timer() throws {
        let loop = makeLoop()
        var wakes = 0
        loop.handle = { event, now in
            if event == .timer { wakes += 1 }
            return event == .number(1) ? now + .seconds(1) : nil
        }
        loop.post(.number(0))
        eventLoop.advanceTime(to: .now() + .hours(1))
        #expect(wakes == 0)
        loop.post(.number(1))
        eventLoop.advanceTime(to: .now() + .hours(2))
        eventLoop.advanceTime(to: .now() + .hours(3))
        #expect(wakes == 1)
    }

    @Test("wakes the machine at the earlier of two deadlines, and then again as it asks")
    func earlier() {
        let loop = makeLoop()
        var wakes: [Int] = []
        var left = 2
        loop.handle = { event, _ in
            switch event {
            case .number(let seconds): return .zero + .seconds(seconds)
            case .timer:
                wakes.append(left)
                left -= 1
                return left == 0 ? nil : .zero + .seconds(3600)
            case .progressed: return nil
            }
        }
        loop.post(.number(3600))
        loop.post(.number(600))
        eventLoop.advanceTime(to: .now() + .seconds(1200))
        #expect(wakes == [2])
        eventLoop.advanceTime(to: .now() + .seconds(7200))
        #expect(wakes == [2, 1])
    }

    @Test("wakes nobody after it was stopped, and still carries out events")
    func stopped() {
        let loop = makeLoop()
        var events: [Event] = []
        loop.handle = { event, now in
            events.append(event)
            return now + .seconds(1)
        }
        loop.post(.number(1))
        loop.stop()
        loop.post(.number(2))
        eventLoop.advanceTime(to: .now() + .hours(1))
        #expect(events == [.number(1), .number(2)])
    }
}
