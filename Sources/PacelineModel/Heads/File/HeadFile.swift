package import PacelineSpeculation
package import PacelineTraining

/// A draft head as a file holds it: what kind it is, its weights, which tokens it drafts, and for which target.
///
/// The file is a GGUF of our own architectures, since none is agreed on for these heads. Tensors have llama.cpp's names
/// where it has names. Embeddings and, but for EAGLE-3, the output matrix are the target's, so the file has none.
package struct HeadFile: Equatable, Sendable {
    /// The kinds of heads; raw values are the files' architectures.
    package enum Kind: String, CaseIterable, Sendable {
        case eagle = "paceline-eagle"
        case medusa = "paceline-medusa"
        case hydra = "paceline-hydra"
        case eagle3 = "paceline-eagle3"
    }

    /// What a head computes.
    package enum Network: Equatable, Sendable {
        case eagle(EagleHead<Float>.Shape)
        case medusa(MedusaHeads<Float>.Shape)
        case eagle3(Eagle3Shape)
    }

    package var network: Network
    /// In the network's layout.
    package var parameters: [Float]
    package var vocabulary: DraftVocabulary
    package var target: HeadTarget

    package init(network: Network, parameters: [Float], vocabulary: DraftVocabulary, target: HeadTarget) {
        precondition(parameters.count == network.layout.count, "a head has all parameters of its layout")
        (self.network, self.parameters) = (network, parameters)
        (self.vocabulary, self.target) = (vocabulary, target)
    }
}

extension HeadFile.Network {
    package var kind: HeadFile.Kind {
        switch self {
        case .eagle: .eagle
        case .medusa(let shape): shape.readsTokens ? .hydra : .medusa
        case .eagle3: .eagle3
        }
    }

    /// The names and places of the parameters.
    package var layout: ParameterLayout {
        switch self {
        case .eagle(let shape): shape.layout
        case .medusa(let shape): shape.layout
        case .eagle3(let shape): shape.layout
        }
    }

    /// The width of what it guesses, and of what it is fed.
    package var width: Int {
        switch self {
        case .eagle(let shape): shape.layer.width
        case .medusa(let shape): shape.width
        case .eagle3(let shape): shape.layer.width
        }
    }

    /// How many features of the target one row of it reads.
    var tapCount: Int {
        switch self {
        case .eagle, .medusa: 1
        case .eagle3(let shape): shape.taps
        }
    }

    /// The divisors of its rotation's frequencies, if there are any: a tensor of its own beside the layout.
    var frequencyDivisors: [Double]? {
        switch self {
        case .eagle(let shape): shape.layer.rotary.frequencyDivisors
        case .eagle3(let shape): shape.layer.rotary.frequencyDivisors
        case .medusa: nil
        }
    }

    /// The file's name for a tensor of the layout.
    func tensorName(_ name: String) -> String {
        switch self {
        case .eagle, .eagle3:
            ["fc.", "enorm.", "hnorm.", "enc.", "output_norm.", "output."].contains { name.hasPrefix($0) }
                ? name : "blk.0." + name
        case .medusa: "head." + name
        }
    }
}

/// Which target a head was trained for.
package struct HeadTarget: Equatable, Sendable {
    /// For people.
    package var name: String
    /// Of the model's numbers (``ModelFile/fingerprint(numerics:)``). A head drafts for other quantisations of the same
    /// model too, so it is told, not checked.
    package var fingerprint: String
    /// Of the tokenizer: 64 hexadecimal digits.
    package var tokenizer: String
    /// The width of its embeddings and features.
    package var width: Int
    package var vocabularySize: Int
    package var layers: Int
    /// Where the features are read.
    package var taps: [FeatureTap]

    package init(
        name: String,
        fingerprint: String,
        tokenizer: String,
        width: Int,
        vocabularySize: Int,
        layers: Int,
        taps: [FeatureTap]
    ) {
        (self.name, self.fingerprint, self.tokenizer) = (name, fingerprint, tokenizer)
        (self.width, self.vocabularySize, self.layers) = (width, vocabularySize, layers)
        self.taps = taps
    }

    /// - Parameter name: for people.
    package init(_ model: ModelFile, name: String, taps: [FeatureTap] = [.normedOutput]) {
        self.init(
            name: name,
            fingerprint: model.fingerprint(numerics: "head"),
            tokenizer: model.tokenizer.fingerprint.description,
            width: model.configuration.embeddingLength,
            vocabularySize: model.configuration.vocabularySize,
            layers: model.configuration.blockCount,
            taps: taps
        )
    }
}
