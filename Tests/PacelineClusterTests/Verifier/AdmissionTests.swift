import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Connections to a verifier")
struct AdmissionTests {
    private struct Door {
        var machine: VerifierMachine
        var nonces = SplitMix(seed: 5)
        var closed: [LinkID] = []
        var refusals: [LinkID: LinkFault] = [:]
        var lastLink: UInt64 = 0

        init(_ adjust: (inout VerifierConfiguration) -> Void = { _ in }) throws {
            var configuration = VerifierConfiguration()
            adjust(&configuration)
            machine = VerifierMachine(
                configuration: configuration,
                target: .mock(),
                costs: try .mock(),
                incarnation: 1
            )
        }

        @discardableResult
        mutating func knock(from host: String) -> LinkID {
            lastLink += 1
            let id = LinkID(rawValue: lastLink)
            tell(.accepted(id, host: host, nonce: LinkNonce(using: &nonces)))
            return id
        }

        mutating func hello(on id: LinkID, incarnation: UInt64) throws {
            let hello = Message.Hello(
                name: "worker",
                incarnation: incarnation,
                fingerprint: nil,
                capabilities: [.deltas],
                slots: 1
            )
            tell(.link(id, .received(try WireTap.frame(.hello(hello)))))
        }

        mutating func tell(_ event: VerifierMachine.Event, at now: Instant = .zero) {
            for effect in machine.handle(event, now: now) {
                switch effect {
                case .link(let id, .close): closed.append(id)
                case .note(.linkClosed(let id, _, let fault)): refusals[id] = fault
                default: break
                }
            }
        }
    }

    @Test("are bounded: the oldest one without a handshake makes room")
    func bounded() throws {
        var door = try Door { $0.pendingLimit = 4 }
        let links = (0..<10).map { door.knock(from: "10.0.0.\($0)") }
        #expect(door.machine.snapshot.pendingLinks == 4)
        #expect(door.closed == Array(links.prefix(6)))
        for id in links.prefix(6) {
            guard case .overloaded = door.refusals[id] else {
                Issue.record("\(id): \(String(describing: door.refusals[id]))")
                return
            }
        }
    }

    @Test("that flood in from one host do not keep out a worker from another")
    func flood() throws {
        var door = try Door { $0.pendingLimit = 16 }
        for _ in 0..<12 { door.knock(from: "flooder") }
        let worker = door.knock(from: "worker")
        for _ in 0..<1000 { door.knock(from: "flooder") }
        #expect(door.machine.snapshot.pendingLinks == 16)
        try door.hello(on: worker, incarnation: 7)
        #expect(door.machine.snapshot.workers.map(\.id) == [worker])
    }

    @Test("from one host are bounded")
    func perHost() throws {
        var door = try Door { $0.connectionsPerHost = 3 }
        let first = door.knock(from: "a")
        try door.hello(on: first, incarnation: 7)
        door.knock(from: "a")
        door.knock(from: "a")
        let fourth = door.knock(from: "a")
        let other = door.knock(from: "b")
        #expect(door.closed == [fourth])
        #expect(door.refusals[fourth] == .overloaded("a has 3 connections"))
        #expect(door.refusals[other] == nil)
        door.tell(.link(first, .disconnected(reason: nil)))
        let fifth = door.knock(from: "a")
        #expect(door.refusals[fifth] == nil, "a host's old connections count no more")
    }

    @Test("that say nothing are closed after two seconds, and leave nothing behind")
    func slowloris() throws {
        var door = try Door()
        for index in 0..<40 { door.knock(from: "\(index)") }
        let deadline = try #require(door.machine.deadline)
        #expect(deadline == .zero + .seconds(2))
        door.tell(.timer, at: deadline)
        #expect(door.machine.snapshot.pendingLinks == 0)
        #expect(door.closed.count == 40)
        #expect(door.machine.deadline == nil)
    }

    @Test("replace the older one of the same worker")
    func supersedes() throws {
        var door = try Door()
        let old = door.knock(from: "a")
        try door.hello(on: old, incarnation: 7)
        let new = door.knock(from: "b")
        try door.hello(on: new, incarnation: 7)
        #expect(door.refusals[old] == .superseded)
        #expect(door.machine.snapshot.workers.filter(\.isConnected).map(\.id) == [new])
    }

    @Test("that the transport does not trust are closed with its reason")
    func distrusted() throws {
        var door = try Door()
        let id = door.knock(from: "a")
        door.tell(.link(id, .distrusted(reason: "its certificate expired")))
        #expect(door.refusals[id] == .authenticationFailed(.transport("its certificate expired")))
        #expect(door.machine.snapshot.pendingLinks == 0)
    }
}
