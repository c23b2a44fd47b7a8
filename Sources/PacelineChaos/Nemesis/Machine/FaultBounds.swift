extension ScheduledFault {
    /// What is wrong with its times whatever the seed; nil if nothing is.
    func problem(within length: Duration) -> String? {
        guard let latest = firstMoments.map(\.range.upperBound).filter({ $0 >= length }).max() else { return nil }
        let isFixed = firstMoments.allSatisfy { $0.range.lowerBound == $0.range.upperBound }
        let (moment, end) = (ScheduleDuration.words(latest), ScheduleDuration.words(length))
        return "the fault \(isFixed ? "comes" : "may come") at \(moment), and the schedule's length is \(end)"
    }

    /// The times that do not follow another one.
    private var firstMoments: [DurationChoice] {
        switch times {
        case .at(let moments): moments
        case .every(let interval, let first, _): [first ?? interval]
        }
    }

    /// The most effects that any seed makes of it.
    func mostEffects(within length: Duration) -> Double {
        let each = choices.map { $0.mostEffects(within: length) }.max() ?? 0
        switch times {
        case .at(let moments): return Double(moments.count) * each
        case .every(let interval, let first, let times):
            let span = length - (first ?? interval).range.lowerBound
            let most = (span / interval.range.lowerBound).rounded(.up)
            return min(most, times.map(Double.init) ?? .infinity) * each
        }
    }
}

extension FaultChoice {
    fileprivate func mostEffects(within length: Duration) -> Double {
        let count = Double(pick ?? targets.count)
        return switch kind {
        case .partition(let directions), .swizzle(let directions): count * Double(directions.count)
        case .flap(let down, let up):
            2 * count
                * (min(lasting?.range.upperBound ?? length, length)
                / (down.range.lowerBound + up.range.lowerBound)).rounded(.up)
        case .down, .kill, .pause, .toxic: count
        case .heal: 1
        }
    }
}
