/// Why a published head cannot be used. Its description names the file, what was found and the way out in one sentence.
package struct PublishedHeadError: Error, Equatable, CustomStringConvertible {
    /// The file as the user named it.
    package let path: String
    package let reason: Reason

    package init(path: String, reason: Reason) {
        (self.path, self.reason) = (path, reason)
    }

    package var description: String { GGUFError(path: path, reason: .inconsistent("\(reason)")).description }

    /// What is wrong, with the expected and the actual values.
    package enum Reason: Error, Equatable {
        case pickle
        case notAHead
        case truncated(needed: Int, found: Int)
        case headerLength(UInt64, limit: Int)
        case header
        case place(tensor: String)
        case unclaimed(bytes: Int)
        case missingConfiguration(String)
        case configuration(String)
        case wrongValue(key: String, found: String, expected: String)
        case missingTensor(String)
        case wrongShape(tensor: String, found: [Int], expected: [Int])
        case wrongType(tensor: String, found: String, expected: String)
        case unusedTensor(String, others: Int)
        case notFinite(tensor: String, index: Int)
        case draftToken(index: Int, token: Int, vocabularySize: Int)
        case repeatedDraftToken(index: Int, token: Int)
        case noDraftTokens
        case unsupported(String)
        case otherTarget(what: String, found: String, expected: String)
    }
}

extension PublishedHeadError.Reason: CustomStringConvertible {
    package var description: String { fileDescription ?? configurationDescription ?? contentDescription }

    private var fileDescription: String? {
        switch self {
        case .pickle:
            "is a PyTorch pickle, which can run code when it is read; convert it to safetensors "
                + "(safetensors.torch.save_file) and name that file"
        case .notAHead:
            "is neither GGUF nor safetensors; name a head of paceline train, a published head in safetensors, or a "
                + "GGUF file of llama.cpp's architecture eagle3"
        case .truncated(let needed, let found):
            "should have at least \(needed) bytes, but has \(found); the file is damaged or incomplete, fetch it again"
        case .headerLength(let length, let limit):
            "claims a header of \(length) bytes, but \(limit) are the most that a head needs; the file is damaged, "
                + "fetch it again"
        case .header:
            "has a header that is not the JSON of a safetensors file; the file is damaged, fetch it again"
        case .place(let tensor):
            "has the tensor \(tensor) at a place that does not fit its shape or its neighbours; the file is damaged, "
                + "fetch it again"
        case .unclaimed(let bytes):
            "has \(bytes) bytes that belong to no tensor; the file is damaged, fetch it again"
        default: nil
        }
    }

    private var configurationDescription: String? {
        switch self {
        case .missingConfiguration(let path):
            "needs the config.json that it was published with, but \(path) cannot be read; fetch it into the "
                + "same folder"
        case .configuration(let what):
            "has a config.json that cannot be read (\(what)); fetch it again"
        case .wrongValue(let key, let found, let expected):
            "has \(found) for \(key) in its configuration, but \(expected) is needed; use another head"
        case .unsupported(let what):
            "\(what); use another head, or train one with paceline train"
        case .otherTarget(let what, let found, let expected):
            "is a draft head for a target whose \(what) is \(found), but that of this target is \(expected); use a "
                + "head that was trained for this target"
        default: nil
        }
    }

    private var contentDescription: String {
        switch self {
        case .missingTensor(let name):
            "lacks the tensor \(name); fetch the head again, or use another one"
        case .wrongShape(let tensor, let found, let expected):
            "has the shape \(found) for the tensor \(tensor), but its configuration and the target need \(expected); "
                + "use a head that was trained for this target"
        case .wrongType(let tensor, let found, let expected):
            "has the type \(found) in the tensor \(tensor), but \(expected) is needed; convert the head again"
        case .unusedTensor(let name, let others):
            "has the tensor \(name)\(others == 0 ? "" : " and \(others) more") that Paceline does not know, so it "
                + "would compute another head; use another one"
        case .notFinite(let tensor, let index):
            "has a weight that is not a finite number at index \(index) of the tensor \(tensor); fetch the head again"
        case .draftToken(let index, let token, let vocabularySize):
            "stands for the target's token \(token) at index \(index) of the tensor d2t, but ids from 0 to "
                + "\(vocabularySize - 1) are needed; use a head that was trained for this target"
        case .repeatedDraftToken(let index, let token):
            "stands for the target's token \(token) a second time at index \(index) of the tensor d2t; convert the "
                + "head again"
        case .noDraftTokens:
            "drafts no token that the target's tokenizer knows; use a head that was trained for this target"
        default:
            "cannot be used"
        }
    }
}
