extension ConfigurationReader {
    func rope(_ architecture: Architecture, headDimension: Int) throws(GGUFError) -> RopeConfiguration {
        let dimension = try countIfPresent("rope.dimension_count", limit: 1 << 14) ?? headDimension
        guard dimension <= headDimension, dimension % 2 == 0 else {
            throw inconsistent("rotates \(dimension) dimensions of heads of width \(headDimension)")
        }
        let base = try checked(try file.floatIfPresent(key("rope.freq_base")) ?? 10000, "rope.freq_base")
        let scaling = try ropeScaling()
        let yarn = scaling == .yarn ? try yarn() : nil
        let multiplier = try file.floatIfPresent(key("rope.scaling.yarn_log_multiplier")) ?? 0
        let stated = try file.floatIfPresent(key("rope.scaling.attn_factor")) ?? 1
        return RopeConfiguration(
            style: architecture.ropeStyle,
            base: base,
            dimension: dimension,
            scale: [.linear, .longrope].contains(scaling) ? try ropeScale() : 1,
            factors: try ropeFactors(architecture, scaling),
            magnitude: try checked(
                stated * (yarn?.magnitude(multiplier: multiplier) ?? 1),
                "rope.scaling.attn_factor"
            ),
            yarn: yarn
        )
    }

    /// How a model's context was extended; the cases are the values of `rope.scaling.type`.
    private enum RopeScaling: String, CaseIterable {
        case none, linear, longrope, yarn
    }

    /// A file that names no type but states a factor scales linearly, as in llama.cpp.
    private func ropeScaling() throws(GGUFError) -> RopeScaling {
        guard let name = try file.stringIfPresent(key("rope.scaling.type")) else { return .linear }
        guard let scaling = RopeScaling(rawValue: name) else {
            throw file.error(.unsupportedRopeScaling(name, supported: RopeScaling.allCases.map(\.rawValue)))
        }
        return scaling
    }

    /// The divisor of positions. A factor of 0 means no scaling, as in llama.cpp.
    private func ropeScale() throws(GGUFError) -> Float {
        // Files written before November 2023 have `rope.scale_linear`.
        for suffix in ["rope.scaling.factor", "rope.scale_linear"] {
            guard let factor = try file.floatIfPresent(key(suffix)) else { continue }
            return factor == 0 ? 1 : try checked(factor, suffix)
        }
        return 1
    }

    private func yarn() throws(GGUFError) -> YarnScaling {
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

    /// How attention sharpens with the position; nil if the file states no such scale.
    func temperature() throws(GGUFError) -> AttentionTemperature? {
        guard let scale = try file.floatIfPresent(key("attention.temperature_scale")), scale != 0 else { return nil }
        let checkedScale = try checked(scale, "attention.temperature_scale")
        if let length = try countIfPresent("attention.temperature_length", limit: 1 << 30) {
            return AttentionTemperature(scale: checkedScale, length: length)
        }
        let original = try count("rope.scaling.original_context_length", limit: 1 << 30)
        return AttentionTemperature(scale: checkedScale, length: original)
    }

    /// The tensor of frequency divisors; none with YaRN, which computes its own.
    ///
    /// LongRoPE has two sets. The choice must not depend on a request's length, because its tokens must not either. So
    /// it is the long set if the model's context is longer than its original training context.
    private func ropeFactors(_ architecture: Architecture, _ scaling: RopeScaling) throws(GGUFError) -> RopeFactors {
        switch (architecture.ropeFactors, scaling) {
        case (.none, _), (_, .yarn): return .none
        case (.frequencies, .none), (.frequencies, .linear): return .frequencies
        case (.frequencies, .longrope), (.longAndShort, _): break
        }
        let context = try count("context_length", limit: 1 << 30)
        let original = try countIfPresent("rope.scaling.original_context_length", limit: 1 << 30) ?? context
        return context > original ? .long : .short
    }

    /// The rotation of windowed blocks; nil if it is the same as in the other blocks.
    func windowedRope(_ architecture: Architecture, global: RopeConfiguration) throws(GGUFError) -> RopeConfiguration? {
        guard let base = architecture.windowedRopeBase else { return nil }
        let stated = try file.floatIfPresent(key("rope.freq_base_swa")) ?? base
        return RopeConfiguration(
            style: global.style,
            base: try checked(stated, "rope.freq_base_swa"),
            dimension: global.dimension,
            scale: 1,
            factors: .none,
            magnitude: 1,
            yarn: nil
        )
    }

    /// Each block's window; nil for blocks that attend to all tokens.
    func windows(_ windows: Architecture.Windows, blockCount: Int) throws(GGUFError) -> [Int?] {
        let everywhere = [Int?](repeating: nil, count: blockCount)
        guard windows != .none, let stated = try file.intIfPresent(key("attention.sliding_window")), stated != 0 else {
            return everywhere
        }
        // Some converters write a window larger than any context for "none".
        let window = try count("attention.sliding_window", limit: Int(UInt32.max))
        guard case .allButEvery(let usual) = windows else { return everywhere.map { _ in window } }
        let period = try countIfPresent("attention.sliding_window_pattern", limit: 1024) ?? usual
        return everywhere.indices.map { ($0 + 1).isMultiple(of: period) ? nil : window }
    }
}
