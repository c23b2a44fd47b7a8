import CPacelineProtocol

extension Message.Ping: Payload {
    static var type: MessageType { .ping }

    init(copying structure: Paceline__V1__Ping, in phase: LinkPhase) {
        self.init(number: structure.number, lastReceived: structure.last_received)
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("number", number)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Ping {
        var structure = Paceline__V1__Ping.make()
        structure.number = number
        structure.last_received = lastReceived
        return structure
    }
}

extension Message.Pong: Payload {
    static var type: MessageType { .pong }

    init(copying structure: Paceline__V1__Pong, in phase: LinkPhase) {
        self.init(number: structure.number, lastReceived: structure.last_received)
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("number", number)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Pong {
        var structure = Paceline__V1__Pong.make()
        structure.number = number
        structure.last_received = lastReceived
        return structure
    }
}

extension Message.Drain: Payload {
    static var type: MessageType { .drain }

    init(copying structure: Paceline__V1__Drain, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(
            graceMilliseconds: Int(structure.grace_ms),
            reason: try Copy.text("reason", structure.reason, atMost: WireLimits.reasonBytes)
        )
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.range("grace_ms", graceMilliseconds, 0...WireLimits.graceMilliseconds)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Drain {
        var structure = Paceline__V1__Drain.make()
        structure.grace_ms = UInt32(graceMilliseconds)
        structure.reason = arena.text(reason, limit: WireLimits.reasonBytes)
        return structure
    }
}

extension Message.Fault: Payload {
    static var type: MessageType { .fault }

    init(copying structure: Paceline__V1__Fault, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(
            code: Code(rawValue: structure.code.rawValue) ?? .unspecified,
            reason: try Copy.text("reason", structure.reason, atMost: WireLimits.reasonBytes)
        )
    }

    func check(in phase: LinkPhase) {}

    func structure(in arena: PackArena) -> Paceline__V1__Fault {
        var structure = Paceline__V1__Fault.make()
        structure.code = Paceline__V1__FaultCode(rawValue: code.rawValue)
        structure.reason = arena.text(reason, limit: WireLimits.reasonBytes)
        return structure
    }
}
