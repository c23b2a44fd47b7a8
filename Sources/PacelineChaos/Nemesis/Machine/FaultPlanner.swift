import PacelineSpeculation

/// Draws the strikes of one fault of a schedule, one after the other.
struct FaultPlanner {
    private let fault: ScheduledFault
    private let number: Int
    private let length: Duration
    private var random: SplitMix
    /// Strikes so far.
    private var count = 0
    /// When the latest began.
    private var latest: Duration?

    /// - Parameter number: the fault's place in the schedule, from 0 on.
    init(_ fault: ScheduledFault, number: Int, seed: UInt64, length: Duration) {
        self.fault = fault
        self.number = number
        self.length = length
        var seeds = SplitMix(seed: seed)
        // Independent of the other faults, however many numbers they draw.
        random = SplitMix(seed: seeds.next() ^ (UInt64(number) &* 0x9fb2_1c65_1e98_df25))
    }

    /// The next strike; nil after the last.
    mutating func next() -> FaultPlan? {
        guard let start = nextStart() else { return nil }
        count += 1
        latest = start
        let choice = fault.choices[random.next(below: fault.choices.count)]
        let end = choice.lasting.map { min(start + draw($0), length) } ?? length
        var plan = FaultPlan(
            fault: number,
            kind: choice.kind,
            targets: choice.kind == .heal ? [] : chosen(choice),
            start: start,
            end: choice.kind == .heal ? start : max(start, end)
        )
        addSpans(of: choice, to: &plan)
        plan.clip(to: length)
        return plan
    }

    private mutating func nextStart() -> Duration? {
        switch fault.times {
        case .at(let moments): return count < moments.count ? draw(moments[count]) : nil
        case .every(let interval, let first, let times):
            guard count < times ?? .max else { return nil }
            let start = latest.map { $0 + draw(interval) } ?? draw(first ?? interval)
            return start >= length ? nil : start
        }
    }

    /// Whole milliseconds, so that people can write down what happened.
    private mutating func draw(_ choice: DurationChoice) -> Duration {
        let range = choice.range
        guard range.lowerBound < range.upperBound else { return range.lowerBound }
        let span = range.upperBound - range.lowerBound
        let milliseconds = (span * random.nextUnit() / .milliseconds(1)).rounded()
        return min(range.upperBound, range.lowerBound + .milliseconds(Int(milliseconds)))
    }

    /// In random order if not all are struck, or if their order matters.
    private mutating func chosen(_ choice: FaultChoice) -> [String] {
        if case .swizzle = choice.kind {
            let half = choice.pick ?? (choice.targets.count + 1) / 2
            return Array(shuffled(choice.targets).prefix(half))
        }
        guard let pick = choice.pick, pick < choice.targets.count else { return choice.targets }
        return Array(shuffled(choice.targets).prefix(pick))
    }

    private mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for index in elements.indices.dropFirst().reversed() {
            elements.swapAt(index, random.next(below: index + 1))
        }
        return elements
    }

    // MARK: Effects

    private mutating func addSpans(of choice: FaultChoice, to plan: inout FaultPlan) {
        switch choice.kind {
        case .partition(let directions):
            for target in plan.targets {
                for direction in directions {
                    plan.add(.cut(link: target, direction), from: plan.start, to: plan.end)
                }
            }
        case .down: strike(&plan) { .disable(link: $0) }
        case .kill(let signal): strike(&plan) { .kill(process: $0, signal) }
        case .pause: strike(&plan) { .pause(process: $0) }
        case .toxic(let toxic): strike(&plan) { .toxic(link: $0, toxic) }
        case .flap(let down, let up): flap(down, up, &plan)
        case .swizzle(let directions): swizzle(directions, &plan)
        case .heal: break
        }
    }

    private func strike(_ plan: inout FaultPlan, _ effect: (String) -> FaultEffect) {
        for target in plan.targets { plan.add(effect(target), from: plan.start, to: plan.end) }
    }

    private mutating func flap(_ down: DurationChoice, _ up: DurationChoice, _ plan: inout FaultPlan) {
        var moment = plan.start
        while moment < plan.end {
            let end = min(moment + draw(down), plan.end)
            for target in plan.targets {
                for direction in StreamDirection.allCases {
                    plan.add(.cut(link: target, direction), from: moment, to: end)
                }
            }
            moment = end + draw(up)
        }
    }

    /// FoundationDB's swizzle-clogging: the first half of the time stops the links one by one, and the second half
    /// starts them in another order. Many bugs need a state that only a certain order brings about.
    private mutating func swizzle(_ directions: [StreamDirection], _ plan: inout FaultPlan) {
        let step = (plan.end - plan.start) / (2 * max(1, plan.targets.count))
        let stops = plan.targets
        let starts = shuffled(stops)
        for (place, target) in stops.enumerated() {
            let back = starts.firstIndex(of: target) ?? place
            let end = plan.end - step * (stops.count - 1 - back)
            for direction in directions {
                plan.add(.cut(link: target, direction), from: plan.start + step * place, to: end)
            }
        }
    }
}
