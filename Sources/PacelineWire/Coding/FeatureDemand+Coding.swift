import CPacelineProtocol
import PacelineSpeculation

extension FeatureDemand {
    /// - Returns: nil without a demand, and for one of a format that this build does not know.
    init?(copying pointer: UnsafeMutablePointer<Paceline__V1__FeatureDemand>?) throws(MessageError.Problem) {
        guard let structure = pointer?.pointee else { return nil }
        let numbers = try Copy.elements(
            "features.taps",
            structure.taps,
            count: structure.n_taps,
            atMost: Self.tapLimit
        )
        var taps: [FeatureTap] = []
        for number in numbers {
            try Check.range("features.taps", Int(number), 0...WireLimits.featureLayer + 2)
            taps.append(FeatureTap(number: Int(number)))
        }
        guard structure.format.rawValue != 0 else { throw .zero(field: "features.format") }
        guard let format = Format(structure.format) else { return nil }
        self.init(taps: taps, format: format)
    }

    func check() throws(MessageError.Problem) {
        try Check.range("the count of features.taps", taps.count, 1...Self.tapLimit)
        for (index, tap) in taps.enumerated() {
            try Check.range("features.taps", tap.number, 0...WireLimits.featureLayer + 2)
            guard !taps[..<index].contains(tap) else { throw .twice(field: "features.taps", value: tap.number) }
        }
    }

    func structure(in arena: PackArena) -> Paceline__V1__FeatureDemand {
        var structure = Paceline__V1__FeatureDemand.make()
        structure.n_taps = taps.count
        structure.taps = arena.pointer(toElementsOf: taps.map { UInt32($0.number) })
        structure.format = format.code
        return structure
    }
}

extension FeatureDemand.Format {
    init?(_ code: Paceline__V1__FeatureFormat) {
        guard let format = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = format
    }

    var code: Paceline__V1__FeatureFormat {
        switch self {
        case .float16: PACELINE__V1__FEATURE_FORMAT__FEATURE_FORMAT_FLOAT16
        case .eightBit: PACELINE__V1__FEATURE_FORMAT__FEATURE_FORMAT_EIGHT_BIT
        }
    }
}

extension FeatureTap {
    /// On the wire, where it does not depend on how many layers the target has.
    fileprivate var number: Int {
        switch self {
        case .normedOutput: 0
        case .lastOutput: 1
        // No layer has the number of another tap, nor does any overflow.
        case .input(let layer): layer < 0 ? -1 : min(layer, .max - 2) + 2
        }
    }

    fileprivate init(number: Int) {
        switch number {
        case 0: self = .normedOutput
        case 1: self = .lastOutput
        default: self = .input(layer: number - 2)
        }
    }
}
