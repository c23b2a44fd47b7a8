package import PacelineSpeculation

extension Datastore {
    /// Reads a file that `paceline datastore build` wrote; its arrays are copied into memory.
    package init(path: String) throws(DatastoreFileError) {
        let file: MappedFile
        do throws(GGUFError) {
            file = try MappedFile(path: path)
        } catch {
            guard case .unreadable = error.reason else {
                throw DatastoreFileError(path, "\(DatastoreError.notADatastore)")
            }
            throw DatastoreFileError(path, "it cannot be read; check the path and its permissions")
        }
        do throws(DatastoreError) {
            self = try file.withBytes { bytes throws(DatastoreError) in try Datastore(encoded: bytes) }
        } catch {
            throw DatastoreFileError(path, "\(error)")
        }
    }
}

extension Datastore.Vocabulary {
    /// What the token ids of a tokenizer mean.
    package init(_ model: ModelFile) {
        self.init(
            tokenizerHash: model.tokenizer.fingerprint.bytes,
            tokensHash: model.tokenizer.vocabularyFingerprint.bytes,
            size: model.configuration.vocabularySize,
            count: model.tokenizer.tokenCount,
            model: model.configuration.name ?? model.path
        )
    }
}

/// A file that is no datastore.
package struct DatastoreFileError: Error, Equatable, CustomStringConvertible {
    let path: String
    let reason: String

    init(_ path: String, _ reason: String) {
        (self.path, self.reason) = (path, reason)
    }

    package var description: String { "\(path): \(reason)" }
}
