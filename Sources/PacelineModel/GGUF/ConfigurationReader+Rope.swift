extension ConfigurationReader {
    func rope(style: Architecture.RopeStyle, headDimension: Int) throws(GGUFError) -> RopeConfiguration {
        let dimension = try countIfPresent("rope.dimension_count", limit: 1 << 14) ?? headDimension
        guard dimension <= headDimension, dimension % 2 == 0 else {
            throw inconsistent("rotates \(dimension) dimensions of heads of width \(headDimension)")
        }
        let base = try checked(try file.floatIfPresent(key("rope.freq_base")) ?? 10000, "rope.freq_base")
        let yarn = try yarn()
        let multiplier = try file.floatIfPresent(key("rope.scaling.yarn_log_multiplier")) ?? 0
        let stated = try file.floatIfPresent(key("rope.scaling.attn_factor")) ?? 1
        return RopeConfiguration(
            style: style,
            base: base,
            dimension: dimension,
            scale: try ropeScale(),
            factorsTensor: yarn == nil ? try ropeFactorsTensor() : nil,
            magnitude: try checked(
                stated * (yarn?.magnitude(multiplier: multiplier) ?? 1),
                "rope.scaling.attn_factor"
            ),
            yarn: yarn
        )
    }

    private func ropeScale() throws(GGUFError) -> Float {
        switch try file.stringIfPresent(key("rope.scaling.type")) ?? "none" {
        case "none", "longrope", "yarn":
            return 1
        case "linear":
            return try positiveFloat("rope.scaling.factor")
        case let other:
            let supported = ["none", "linear", "longrope", "yarn"]
            throw file.error(.unsupportedRopeScaling(other, supported: supported))
        }
    }

    private func yarn() throws(GGUFError) -> YarnScaling? {
        guard try file.stringIfPresent(key("rope.scaling.type")) == "yarn" else { return nil }
        let turns = { (suffix: String, usual: Float) throws(GGUFError) in
            try checked(try file.floatIfPresent(key(suffix)) ?? usual, suffix)
        }
        return YarnScaling(
            factor: try positiveFloat("rope.scaling.factor"),
            originalContextLength: try count("rope.scaling.original_context_length", limit: 1 << 30),
            fastTurns: try turns("rope.scaling.yarn_beta_fast", 32),
            slowTurns: try turns("rope.scaling.yarn_beta_slow", 1)
        )
    }

    /// How attention sharpens with the position, if the file says so.
    func temperature() throws(GGUFError) -> AttentionTemperature? {
        guard let scale = try file.floatIfPresent(key("attention.temperature_scale")), scale != 0 else { return nil }
        let checkedScale = try checked(scale, "attention.temperature_scale")
        if let length = try countIfPresent("attention.temperature_length", limit: 1 << 30) {
            return AttentionTemperature(scale: checkedScale, length: length)
        }
        let original = try count("rope.scaling.original_context_length", limit: 1 << 30)
        return AttentionTemperature(scale: checkedScale, length: original)
    }

    /// The tensor of frequency divisors.
    ///
    /// Phi-3 has two sets of them. Which one holds may not depend on how long a request happens to be, since its tokens
    /// may not: it is the long one wherever the model's context is longer than the one it was first trained for.
    private func ropeFactorsTensor() throws(GGUFError) -> String? {
        let context = try count("context_length", limit: 1 << 30)
        let original = try countIfPresent("rope.scaling.original_context_length", limit: 1 << 30) ?? context
        let names = [
            context > original ? "rope_factors_long.weight" : "rope_factors_short.weight", "rope_freqs.weight",
        ]
        return names.first { file.tensors[$0] != nil }
    }

    /// The rotation of windowed blocks, if it is another than that of the rest.
    func windowedRope(_ architecture: Architecture, global: RopeConfiguration) throws(GGUFError) -> RopeConfiguration? {
        guard let base = architecture.windowedRopeBase else { return nil }
        let stated = try file.floatIfPresent(key("rope.freq_base_swa")) ?? base
        return RopeConfiguration(
            style: global.style,
            base: try checked(stated, "rope.freq_base_swa"),
            dimension: global.dimension,
            scale: 1,
            factorsTensor: nil,
            magnitude: 1,
            yarn: nil
        )
    }

    /// Each block's window; nil where blocks see everything.
    func windows(_ windows: Architecture.Windows, blockCount: Int) throws(GGUFError) -> [Int?] {
        let everywhere = [Int?](repeating: nil, count: blockCount)
        guard windows != .none, let stated = try file.intIfPresent(key("attention.sliding_window")), stated != 0 else {
            return everywhere
        }
        // A window beyond any context is how some converters spell "none".
        let window = try count("attention.sliding_window", limit: Int(UInt32.max))
        guard case .allButEvery(let usual) = windows else { return everywhere.map { _ in window } }
        let period = try countIfPresent("attention.sliding_window_pattern", limit: 1024) ?? usual
        return everywhere.indices.map { ($0 + 1).isMultiple(of: period) ? nil : window }
    }
}
