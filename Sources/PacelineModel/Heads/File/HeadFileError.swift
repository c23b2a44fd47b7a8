/// Why a file is no head, or none for the target. Its description names the file, what was found and the way out in one
/// sentence.
package struct HeadFileError: Error, Equatable, CustomStringConvertible {
    /// The file as the user named it.
    package let path: String
    package let reason: Reason

    package init(path: String, reason: Reason) {
        (self.path, self.reason) = (path, reason)
    }

    package var description: String { GGUFError(path: path, reason: .inconsistent("\(reason)")).description }

    /// What is wrong, with the expected and the actual values.
    package enum Reason: Error, Equatable {
        case notAHead(architecture: String?)
        case version(found: Int, expected: Int)
        case missingKey(String, expected: String)
        case wrongValue(key: String, found: String, expected: String)
        case missingTensor(String)
        case wrongDimensions(tensor: String, found: [Int], expected: [Int])
        case wrongType(tensor: String, found: String, expected: String)
        case unusedTensor(String, others: Int)
        case notFinite(tensor: String, index: Int)
        case draftToken(index: Int, token: Int, after: Int, vocabularySize: Int)
        case otherTarget(what: String, found: String, expected: String, name: String)
    }
}

extension HeadFileError.Reason: CustomStringConvertible {
    package var description: String { fileDescription ?? contentDescription }

    private var fileDescription: String? {
        switch self {
        case .notAHead(let architecture):
            "is not a draft head ("
                + (architecture.map { "its architecture is \"\($0)\"" } ?? "it states no architecture")
                + "); name a file that paceline train has written"
        case .version(let found, let expected):
            "is a draft head of version \(found), but this paceline knows version \(expected); train the head again, "
                + "or use the paceline that wrote it"
        case .missingKey(let key, let expected):
            "lacks the metadata key \(key) (\(expected)); train the head again"
        case .wrongValue(let key, let found, let expected):
            "has \(found) for the metadata key \(key), but \(expected) is needed; train the head again"
        case .otherTarget(let what, let found, let expected, let name):
            "is a draft head for \(name), whose \(what) is \(found), but that of the target is \(expected); use a head "
                + "that was trained for this target"
        default: nil
        }
    }

    private var contentDescription: String {
        switch self {
        case .missingTensor(let name):
            "lacks the tensor \(name); train the head again"
        case .wrongDimensions(let tensor, let found, let expected):
            "has the dimensions \(found) for the tensor \(tensor), but \(expected) are needed; train the head again"
        case .wrongType(let tensor, let found, let expected):
            "has the type \(found) in the tensor \(tensor), but \(expected) is needed; train the head again"
        case .unusedTensor(let name, let others):
            "has the tensor \(name)\(others == 0 ? "" : " and \(others) more") that a head of its kind does not use; "
                + "train the head again"
        case .notFinite(let tensor, let index):
            "has a weight that is not a finite number at index \(index) of the tensor \(tensor); the file is damaged, "
                + "or the training diverged: train the head again"
        case .draftToken(let index, let token, let after, let vocabularySize):
            "has the token \(token) at index \(index) of the tensor d2t, but needs one above \(after) and below "
                + "\(vocabularySize): absolute ids, in ascending order; train the head again"
        default:
            "cannot be used"
        }
    }
}
