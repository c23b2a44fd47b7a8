import Crypto
package import PacelineTensor

extension ModelFile {
    /// The hash of what tells this model from others and its numbers from other numbers: its tokenizer, its metadata,
    /// the shapes of its tensors, and some weights of each. Hashing all weights would make loading twice as long.
    ///
    /// - Parameter numerics: names everything besides the model that the bits of its logits depend on.
    /// - Returns: twelve hexadecimal digits of a SHA-256.
    package func fingerprint(numerics: String) -> String {
        var hash = SHA256()
        func update(_ text: String) {
            withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(text.utf8))
        }
        for text in ["paceline model 1", numerics] { update(text) }
        hash.update(data: tokenizer.fingerprint.bytes)
        for key in file.metadataKeys.sorted() {
            update(key)
            switch file.metadata[key] {
            case .array(let array)?: array.withBytes { hash.update(bufferPointer: $0) }
            case let value?: update("\(value)")
            case nil: break
            }
        }
        for name in file.tensorNames.sorted() {
            guard let tensor = file.tensors[name] else { continue }
            update("\(name) \(tensor.type) \(tensor.dimensions)")
            tensor.withBytes { bytes in
                for start in [0, bytes.count / 2] {
                    let end = min(start + Self.sample, bytes.count)
                    hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                }
            }
        }
        return hash.finalize().prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// What the bits of its logits depend on besides its file, in words.
    ///
    /// Names OpenBLAS, where it matters, only once it has been loaded.
    package func numerics(cacheType: KVType) -> String {
        let numerics = "kernels \(KernelDefinition.version), keys and values \(cacheType.rawValue)"
        // A drafter of this process may have loaded the library as well.
        guard multipliesWithOpenBLAS, let core = OpenBLAS.core else { return numerics }
        return "\(numerics), float weights with OpenBLAS for \(core)"
    }

    /// Whether OpenBLAS multiplies some of its weights, whose bits depend on the CPU then.
    package var multipliesWithOpenBLAS: Bool {
        file.tensors.values.contains { tensor in
            tensor.dimensions.count > 1 && WeightType(rawValue: tensor.type)?.usesOpenBLAS == true
        }
    }

    /// Bytes of a tensor that are hashed at each place.
    private static let sample = 256
}
