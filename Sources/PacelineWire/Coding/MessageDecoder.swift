import NIOCore

/// Decodes a frame's message. This is the only way in which a peer's bytes become values.
package struct MessageDecoder: Sendable {
    /// May be changed between frames.
    package var phase: LinkPhase

    package init(phase: LinkPhase) {
        self.phase = phase
    }

    package func decode(_ frame: Frame) throws(MessageError) -> Message {
        switch frame.type {
        case .hello: .hello(try payload(of: frame))
        case .challenge: .challenge(try payload(of: frame))
        case .authenticate: .authenticate(try payload(of: frame))
        case .welcome: .welcome(try payload(of: frame))
        case .open: .open(try payload(of: frame))
        case .base: .base(try payload(of: frame))
        case .tree: .tree(try payload(of: frame))
        case .verifying: .verifying(try payload(of: frame))
        case .verdict: .verdict(try payload(of: frame))
        case .features: .features(try payload(of: frame))
        case .close: .close(try payload(of: frame))
        case .ping: .ping(try payload(of: frame))
        case .pong: .pong(try payload(of: frame))
        case .drain: .drain(try payload(of: frame))
        case .fault: .fault(try payload(of: frame))
        }
    }

    private func payload<Value: Payload>(of frame: Frame) throws(MessageError) -> Value {
        let result = frame.payload.withUnsafeReadableBytes { bytes in unpack(Value.self, from: bytes) }
        do {
            return try result.get()
        } catch {
            throw MessageError(type: Value.type, problem: error)
        }
    }

    private func unpack<Value: Payload>(
        _ type: Value.Type,
        from bytes: UnsafeRawBufferPointer
    ) -> Result<Value, MessageError.Problem> {
        Result { () throws(MessageError.Problem) in
            try Value.Structure.scan(bytes)
            let unpacked = try Value.Structure.withUnpacked(bytes) { structure throws(MessageError.Problem) in
                try Value(copying: structure, in: phase)
            }
            guard let unpacked else { throw .malformed }
            try unpacked.check(in: phase)
            return unpacked
        }
    }
}
