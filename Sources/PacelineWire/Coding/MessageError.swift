package import PacelineSpeculation

/// How a payload broke the rules of its message, in a frame with valid checksums: a peer's bug or an attack.
package struct MessageError: Error, Equatable, Sendable {
    package enum Problem: Error, Equatable, Sendable {
        /// Not protobuf, or protobuf that unpacks to far more than its encoded size.
        case malformed
        case missing(field: String)
        case outOfRange(field: String, found: Int, allowed: ClosedRange<Int>)
        case zero(field: String)
        case byteCount(field: String, found: Int, allowed: String)
        case notText(field: String)
        case nulInText(field: String)
        case empty(field: String)
        /// A field without the wire type of its declaration.
        case wireType(field: String, found: ProtobufWireType, expected: ProtobufWireType)
        /// A sub-message in more than one part.
        case messageTwice(field: String)
        /// Two fields that belong together have different counts.
        case unequalCounts(field: String, count: Int, other: String, otherCount: Int)
        case notAscending(field: String)
        case twice(field: String, value: Int)
        case notFinite(field: String)
        case negative(field: String)
        /// Other than the handshake agreed on.
        case notAgreed(field: String)
        case tree(TreeError)
        case sampling(SamplingError)
    }

    package var type: MessageType
    package var problem: Problem

    package init(type: MessageType, problem: Problem) {
        self.type = type
        self.problem = problem
    }
}

extension MessageError: CustomStringConvertible {
    package var description: String { "\(type.withArticle) message is invalid: \(problem)" }
}

extension MessageError.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed:
            "its payload is not a valid encoding of such a message"
        case .missing(let field):
            "\(field) is missing"
        case .outOfRange(let field, let found, let allowed):
            "\(field) must be from \(allowed.lowerBound) to \(allowed.upperBound), but is \(found)"
        case .zero(let field):
            "\(field) must not be 0"
        case .byteCount(let field, let found, let allowed):
            "\(field) must have \(allowed) bytes, but has \(found)"
        case .notText(let field):
            "\(field) is not UTF-8"
        case .nulInText(let field):
            "\(field) contains a NUL character, which text must not"
        case .empty(let field):
            "\(field) must not be empty"
        case .wireType(let field, let found, let expected):
            "\(field) is encoded as \(found), but must be encoded as \(expected)"
        case .messageTwice(let field):
            "\(field) comes in several parts, but must come once and whole"
        case .unequalCounts(let field, let count, let other, let otherCount):
            "\(field) has \(count) entries, but \(other) has \(otherCount)"
        case .notAscending(let field):
            "\(field) must be strictly ascending"
        case .twice(let field, let value):
            "\(field) must differ, but \(value) comes twice"
        case .notFinite(let field):
            "\(field) has a number that is infinite or none"
        case .negative(let field):
            "\(field) must not be below 0"
        case .notAgreed(let field):
            "\(field) is not what the handshake agreed on"
        case .tree(let error):
            "\(error)"
        case .sampling(let error):
            "\(error)"
        }
    }
}
