import CPacelineProtocol

/// A C structure that protoc-c generated from a message in `Protocols/`.
protocol ProtobufStructure {
    /// Sets the descriptor and the defaults.
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { get }
    init()
    var base: ProtobufCMessage { get }
}

extension ProtobufStructure {
    /// An empty message.
    static func make() -> Self {
        var structure = Self()
        initializer(&structure)
        return structure
    }

    /// Refuses bytes that protobuf-c would misread.
    static func scan(_ bytes: UnsafeRawBufferPointer) throws(MessageError.Problem) {
        guard let descriptor = make().base.descriptor else { return }
        try ProtobufScan.check(bytes, as: descriptor.pointee)
    }

    /// Parses `bytes` and calls `body` with the structure, whose pointers are valid only during the call.
    ///
    /// - Returns: `nil` if the bytes are malformed or need more memory than their length justifies.
    static func withUnpacked<Result, Failure: Error>(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (Self) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        let descriptor = make().base.descriptor
        var budget = UnpackBudget(payloadLength: bytes.count)
        let message = budget.withAllocator {
            protobuf_c_message_unpack(descriptor, $0, bytes.count, bytes.bindMemory(to: UInt8.self).baseAddress)
        }
        guard let message else { return nil }
        defer { budget.withAllocator { protobuf_c_message_free_unpacked(message, $0) } }
        return try body(UnsafeRawPointer(message).load(as: Self.self))
    }

    /// Calls `body` with a pointer to the message, as the library's functions expect it.
    func withMessage<Result>(_ body: (UnsafePointer<ProtobufCMessage>) -> Result) -> Result {
        withUnsafePointer(to: self) { body(UnsafeRawPointer($0).assumingMemoryBound(to: ProtobufCMessage.self)) }
    }
}

extension Paceline__V1__Hello: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__hello__init }
}

extension Paceline__V1__Challenge: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__challenge__init }
}

extension Paceline__V1__Authenticate: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__authenticate__init }
}

extension Paceline__V1__Welcome: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__welcome__init }
}

extension Paceline__V1__ModelFingerprint: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__model_fingerprint__init }
}

extension Paceline__V1__LinkLimits: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__link_limits__init }
}

extension Paceline__V1__FeatureDemand: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__feature_demand__init }
}

extension Paceline__V1__Open: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__open__init }
}

extension Paceline__V1__Base: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__base__init }
}

extension Paceline__V1__Sampling: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__sampling__init }
}

extension Paceline__V1__DraftLimits: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__draft_limits__init }
}

extension Paceline__V1__OutcomeShard: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__outcome_shard__init }
}

extension Paceline__V1__Constraint: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__constraint__init }
}

extension Paceline__V1__Tree: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__tree__init }
}

extension Paceline__V1__Verifying: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__verifying__init }
}

extension Paceline__V1__Verdict: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__verdict__init }
}

extension Paceline__V1__Features: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__features__init }
}

extension Paceline__V1__Close: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__close__init }
}

extension Paceline__V1__Ping: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__ping__init }
}

extension Paceline__V1__Pong: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__pong__init }
}

extension Paceline__V1__Drain: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__drain__init }
}

extension Paceline__V1__Fault: ProtobufStructure {
    static var initializer: (UnsafeMutablePointer<Self>?) -> Void { paceline__v1__fault__init }
}
