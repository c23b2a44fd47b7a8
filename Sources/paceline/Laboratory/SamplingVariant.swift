import ArgumentParser
import PacelineSpeculation

/// One way of sampling on the command line: `greedy`, or `temp=0.8,top-p=0.95`. What it does not name is as the other
/// flags say.
struct SamplingVariant: ExpressibleByArgument, Hashable {
    private let changes: [String]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        changes = argument == "greedy" ? ["temp=0"] : parts
        var parameters = SamplingParameters.greedy
        guard !changes.isEmpty, changes.allSatisfy({ Self.apply($0, to: &parameters) }),
            (try? parameters.validated()) != nil
        else { return nil }
    }

    func parameters(on base: SamplingParameters) -> SamplingParameters {
        changes.reduce(into: base) { _ = Self.apply($1, to: &$0) }
    }

    private static func apply(_ change: String, to parameters: inout SamplingParameters) -> Bool {
        let parts = change.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let key = Key(rawValue: String(parts[0])) else { return false }
        return key.set(String(parts[1]), in: &parameters)
    }

    /// What can be set, named as the flags are.
    enum Key: String, CaseIterable {
        case temp
        case topK = "top-k"
        case topP = "top-p"
        case minP = "min-p"
        case repeatPenalty = "repeat-penalty"
        case frequencyPenalty = "frequency-penalty"
        case presencePenalty = "presence-penalty"
        case repeatLastN = "repeat-last-n"
        case seed

        /// False if the text is no such number.
        func set(_ text: String, in parameters: inout SamplingParameters) -> Bool {
            switch self {
            case .temp: Self.set(&parameters.temperature, Float(text))
            case .topK: Self.set(&parameters.topK, Int(text))
            case .topP: Self.set(&parameters.topP, Float(text))
            case .minP: Self.set(&parameters.minP, Float(text))
            case .repeatPenalty: Self.set(&parameters.repetitionPenalty, Float(text))
            case .frequencyPenalty: Self.set(&parameters.frequencyPenalty, Float(text))
            case .presencePenalty: Self.set(&parameters.presencePenalty, Float(text))
            case .repeatLastN: Self.set(&parameters.repeatLastN, Int(text))
            case .seed: Self.set(&parameters.seed, UInt64(text))
            }
        }

        private static func set<Value>(_ field: inout Value, _ value: Value?) -> Bool {
            guard let value else { return false }
            field = value
            return true
        }
    }
}

extension SamplingParameters {
    /// What differs from greedy decoding, in the words of the command line; "greedy" if nothing does.
    var label: String {
        let usual = SamplingParameters.greedy
        var parts: [String] = []
        func add(_ name: String, _ value: some Equatable, _ standard: some Equatable) {
            if "\(value)" != "\(standard)" { parts.append("\(name)=\(value)") }
        }
        add("temp", temperature, usual.temperature)
        add("top-k", topK, usual.topK)
        add("top-p", topP, usual.topP)
        add("min-p", minP, usual.minP)
        add("repeat-penalty", repetitionPenalty, usual.repetitionPenalty)
        add("frequency-penalty", frequencyPenalty, usual.frequencyPenalty)
        add("presence-penalty", presencePenalty, usual.presencePenalty)
        add("repeat-last-n", repeatLastN, usual.repeatLastN)
        for bias in logitBias { parts.append("logit-bias:\(bias.token)=\(bias.bias)") }
        add("seed", seed, usual.seed)
        return parts.isEmpty ? "greedy" : parts.joined(separator: ",")
    }
}
