import PacelineWire
import Testing

@testable import PacelineFaults

@Suite("A frame watch")
struct FrameWatchTests {
    @Test("demands that a corrupt frame is noticed when it is whole, and not before")
    func corruption() {
        var watch = FrameWatch()
        watch.frameBegins(bytes: 100)
        watch.left(100)
        watch.frameBegins(bytes: 60)
        watch.poisoned(at: 10)
        watch.left(60)
        let noticed1 = watch.deliver(110)
        #expect(!noticed1)
        #expect(!watch.isPoisonDelivered)
        let noticed2 = watch.deliver(49)
        #expect(!noticed2)
        #expect(watch.isPoisonDelivered)
        let noticed3 = watch.deliver(1)
        #expect(noticed3)
    }

    @Test("demands that inserted bytes are noticed by the end of the header that they are read as")
    func insertion() {
        var watch = FrameWatch()
        watch.frameBegins(bytes: 50)
        watch.left(50)
        watch.poisoned(at: 0, isInsertion: true)
        watch.left(7)
        watch.frameBegins(bytes: 40)
        watch.left(40)
        let noticed4 = watch.deliver(50 + FrameHeader.byteCount - 1)
        #expect(!noticed4)
        let noticed5 = watch.deliver(1)
        #expect(noticed5)
    }
}
