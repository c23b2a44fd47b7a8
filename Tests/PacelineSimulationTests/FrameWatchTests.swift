import PacelineTestTraits
import PacelineWire
import Testing

@testable import PacelineSimulation

@Suite("A frame watch", .computing)
struct FrameWatchTests {
    @Test("demands that the receiver notices a corrupt frame once it is complete, and not before")
    func corruption() {
        var watch = FrameWatch()
        watch.frameBegins(bytes: 100)
        watch.left(100)
        watch.frameBegins(bytes: 60)
        watch.poisoned(at: 10)
        watch.left(60)
        let isNoticedTooEarly = watch.deliver(110)
        #expect(!isNoticedTooEarly)
        #expect(!watch.isPoisonDelivered)
        let isNoticedBeforeItsEnd = watch.deliver(49)
        #expect(!isNoticedBeforeItsEnd)
        #expect(watch.isPoisonDelivered)
        let isNoticedAtItsEnd = watch.deliver(1)
        #expect(isNoticedAtItsEnd)
    }

    @Test("demands that the receiver notices inserted bytes by the end of the header that it reads in them")
    func insertion() {
        var watch = FrameWatch()
        watch.frameBegins(bytes: 50)
        watch.left(50)
        watch.poisoned(at: 0, isInsertion: true)
        watch.left(7)
        watch.frameBegins(bytes: 40)
        watch.left(40)
        let isNoticedBeforeTheHeader = watch.deliver(50 + FrameHeader.byteCount - 1)
        #expect(!isNoticedBeforeTheHeader)
        let isNoticedWithTheHeader = watch.deliver(1)
        #expect(isNoticedWithTheHeader)
    }

    @Test("demands that a replayed frame is noticed by the header behind it, unless that is a replayed one, too")
    func replays() {
        var watch = FrameWatch()
        watch.frameBegins(bytes: 50)
        watch.left(50)
        watch.replayed(30)
        watch.replayed(40)
        let isNoticedInTheSecond = watch.deliver(120 + FrameHeader.byteCount - 1)
        #expect(watch.isPoisonDelivered && !isNoticedInTheSecond)
        watch.frameBegins(bytes: 60)
        watch.left(60)
        let isNoticedWithTheHeader = watch.deliver(1)
        #expect(isNoticedWithTheHeader)
    }

    @Test("does not put off what a replayed frame comes behind")
    func replayAfterAnotherFault() {
        var watch = FrameWatch()
        watch.replayed(30)
        watch.frameBegins(bytes: 60)
        watch.left(60)
        // The frame before this one had a wrong number already.
        watch.replayed(40)
        let isNoticedTooEarly = watch.deliver(30 + FrameHeader.byteCount - 1)
        #expect(!isNoticedTooEarly)
        let isNoticedWithTheHeader = watch.deliver(1)
        #expect(isNoticedWithTheHeader)
    }
}
