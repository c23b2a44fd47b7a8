/// The order in which a laboratory does its work.
///
/// What drafters learn and remember goes on from prompt to prompt of a category, as in a worker, and begins anew for
/// the next category and the next way of sampling. So the figures of a category do not depend on which others are
/// measured beside it. Where some cells are there already, from an interrupted run, a method first follows the recorded
/// text of the prompts before: then it knows what it would know.
package struct LaboratoryPlan: Sendable {
    /// One piece of work.
    package enum Step: Sendable, Hashable {
        /// Drafters forget all.
        case forget
        /// Generate the text of a prompt with the target alone.
        case record(prompt: Int, sampling: Int)
        /// Let a method draft for a prompt that it has been measured on before.
        case follow(method: Int, prompt: Int, sampling: Int)
        /// Measure methods on a prompt.
        case measure(methods: [Int], prompt: Int, sampling: Int)
    }

    package private(set) var steps: [Step] = []

    /// - Parameters:
    ///   - categories: of each prompt.
    ///   - samplings: how many ways of sampling there are.
    ///   - methods: how many there are.
    ///   - isRecorded: whether the text of a prompt is there, by prompt and way of sampling.
    ///   - isDone: whether a cell is there, by method, prompt and way of sampling.
    package init(
        categories: [String],
        samplings: Int,
        methods: Int,
        isRecorded: (_ prompt: Int, _ sampling: Int) -> Bool = { _, _ in false },
        isDone: (_ method: Int, _ prompt: Int, _ sampling: Int) -> Bool = { _, _, _ in false }
    ) {
        for sampling in 0..<samplings {
            var recorded = Set(categories.indices.filter { isRecorded($0, sampling) })
            for group in Self.groups(categories) {
                steps.append(.forget)
                var followed = Array(repeating: 0, count: methods)
                for (place, prompt) in group.enumerated() {
                    let pending = (0..<methods).filter { !isDone($0, prompt, sampling) }
                    guard !pending.isEmpty else { continue }
                    let earliest = pending.map { followed[$0] }.min() ?? place
                    for needed in group[earliest...place] where recorded.insert(needed).inserted {
                        steps.append(.record(prompt: needed, sampling: sampling))
                    }
                    for method in pending {
                        steps += group[followed[method]..<place].map {
                            .follow(method: method, prompt: $0, sampling: sampling)
                        }
                        followed[method] = place + 1
                    }
                    steps.append(.measure(methods: pending, prompt: prompt, sampling: sampling))
                }
            }
        }
    }

    /// The prompts of each category, in the order in which categories first appear.
    private static func groups(_ categories: [String]) -> [[Int]] {
        var order: [String] = []
        for category in categories where !order.contains(category) { order.append(category) }
        return order.map { category in categories.indices.filter { categories[$0] == category } }
    }
}
