package import Logging
package import PacelineModel
import PacelineSpeculation
import PacelineTensor

/// How a worker's head goes on learning from what is served.
package struct HeadLearning: Sendable {
    /// The share of one processor's time that it may take while nothing is served, above 0 and at most 1.
    package var share: Double
    /// How long nothing must have been served.
    package var quiet = Duration.milliseconds(250)
    package var settings = HeadStudySettings()
    /// What is being served besides what the worker knows.
    package var activity: ServingActivity
    package var logger: Logger
    /// Keeps a better head. Errors are told, and learning goes on.
    package var save: (@Sendable (HeadFile) throws -> Void)?

    package init(
        share: Double = 0.5,
        activity: ServingActivity = ServingActivity(),
        logger: Logger,
        save: (@Sendable (HeadFile) throws -> Void)? = nil
    ) {
        (self.share, self.activity) = (share, activity)
        (self.logger, self.save) = (logger, save)
    }
}

/// A head that goes on learning, as the thread knows it that drafts with it.
///
/// Sequences that begin get drafters of the newest head; those at work keep theirs.
final class LearningHead {
    let exchange: LearningExchange
    private let network: HeadFile.Network
    private let vocabulary: TargetVocabulary
    private let compute: Compute
    private let logger: Logger
    /// Ends with this object.
    private let thread: LearningThread

    /// Starts the thread that learns.
    ///
    /// - Parameter compute: of the thread that drafts.
    /// - Throws: the errors of heads' files and networks, or `HeadStudyError`.
    init(path: String, name: String, target: ModelFile, compute: Compute, _ learning: HeadLearning) throws {
        let file = try HeadFile.open(path: path, for: target)
        try HeadStudies.requireTrainable(file)
        let (logger, save) = (learning.logger, learning.save)
        let exchange = LearningExchange(taps: file.target.taps, activity: learning.activity)
        (network, self.compute, self.logger, self.exchange) = (file.network, compute, logger, exchange)
        vocabulary = try TargetVocabulary(target, tokens: file.vocabulary, compute: compute)
        let pace = LearningPace(share: learning.share, quiet: learning.quiet)
        thread = LearningThread(exchange, pace: pace, logger: logger) { [settings = learning.settings] in
            // A thread of its own computes alone.
            try HeadStudies.study(file, of: target, settings, compute: Compute(threads: 1))
        } adopted: { head in
            logger.info("\(name) has learned from what was served: \(head.score)")
            var better = file
            better.parameters = head.parameters
            do {
                try save?(better)
            } catch {
                logger.warning("the better head of \(name) was not kept: \(error)")
            }
        }
    }

    /// A better head, once for each.
    func renewed() -> DraftHead? {
        guard let parameters = exchange.takeParameters() else { return nil }
        do {
            return try DraftHead(network, parameters, vocabulary, taps: exchange.taps, compute: compute)
        } catch {
            logger.warning("a better head cannot be used: \(error)")
            return nil
        }
    }
}
