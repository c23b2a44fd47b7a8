extension ModelConfiguration {
    /// Reads and checks the configuration of a model file.
    ///
    /// Throws if the architecture is unknown, or if a key is missing or of the wrong kind. Also throws if numbers
    /// contradict one another, or if the kernels do not support the model's shape.
    package init(_ file: GGUFFile) throws(GGUFError) {
        let name = try file.string("general.architecture")
        guard let architecture = Architecture.named(name) else {
            throw file.error(.unknownArchitecture(name, supported: Architecture.known.map(\.name)))
        }
        let reader = ConfigurationReader(file: file, prefix: name)
        try reader.refuseUnknownFeatures()
        let heads = try reader.heads()
        let blockCount = try reader.count("block_count", limit: 1024)
        let rope = try reader.rope(architecture, headDimension: heads.dimension)
        let width = Float(heads.embeddingLength)
        let scalesByWidth = architecture.blocksWithWidthScaledQueries == blockCount
        let queryWidth = scalesByWidth ? width / Float(heads.count) : Float(heads.dimension)
        self.init(
            architecture: architecture,
            name: try file.stringIfPresent("general.name"),
            blockCount: blockCount,
            embeddingLength: heads.embeddingLength,
            feedForwardLength: try reader.count("feed_forward_length", limit: 1 << 20),
            headCount: heads.count,
            keyValueHeadCount: heads.keyValueCount,
            headDimension: heads.dimension,
            rope: rope,
            windowedRope: try reader.windowedRope(architecture, global: rope),
            windows: try reader.windows(architecture.windows, blockCount: blockCount),
            attentionScale: 1 / queryWidth.squareRoot(),
            temperature: try reader.temperature(),
            embeddingScale: architecture.scalesEmbeddings ? width.squareRoot() : 1,
            normEpsilon: try reader.positiveFloat("attention.layer_norm_rms_epsilon"),
            contextLength: try reader.count("context_length", limit: 1 << 30),
            vocabularySize: try reader.vocabularySize(embeddingLength: heads.embeddingLength)
        )
        try reader.refuseUnknownFeatures(of: self)
        // Checked here, so that every reader of a configuration refuses the same files with the same message.
        try checkForKernels(file)
    }
}
