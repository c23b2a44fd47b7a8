import PacelineCluster
import PacelineSpeculation

/// Tries methods on a user's own prompts for a given time: ``MethodSearch`` with a clock.
struct MethodTryout {
    let prompts: [[Token]]
    let sampling: SamplingParameters
    let length: Duration
    var laboratory: Laboratory

    /// Tries until the time is up; each method gets one run at least.
    ///
    /// - Parameter progress: called with the share of the time that has passed, 0 … 1, and what comes next.
    mutating func run(progress: (Double, String) -> Void) throws -> MethodSearch {
        var search = MethodSearch(methods: laboratory.methods.count)
        let start = ContinuousClock.now
        var isOver = false
        var turn = 0
        while !isOver {
            let prompt = turn % prompts.count
            // A text that a method has drafted for would be in its memory.
            if prompt == 0 { laboratory.forget() }
            let question = Laboratory.Question(prompt: prompts[prompt], sampling: sampling)
            let plain = try laboratory.plain(question)
            let contenders = search.contenders
            for place in contenders.indices {
                let method = contenders[(place + turn) % contenders.count]
                progress((ContinuousClock.now - start) / length, laboratory.methods[method].name)
                let outcome = try laboratory.live(method, question)
                guard outcome.tokens == plain.tokens else {
                    let position = zip(outcome.tokens, plain.tokens).prefix { $0 == $1 }.count
                    let name = laboratory.methods[method].name
                    throw LaboratoryError.tokensDiffer(method: name, prompt: prompt, position: position)
                }
                let time = outcome.drafting + (outcome.verifying ?? 0)
                if time > 0 { search.record(method, speedUp: (plain.verifying ?? 0) / time) }
                isOver = turn > 0 && ContinuousClock.now - start >= length
                if isOver { break }
            }
            guard !isOver else { break }
            search.finishPrompt()
            turn += 1
            isOver = ContinuousClock.now - start >= length
        }
        return search
    }
}
