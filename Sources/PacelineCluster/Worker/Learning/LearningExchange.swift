package import PacelineModel
package import PacelineSpeculation
import Synchronization

/// Where a drafting thread and the thread that learns from what it serves meet: texts go one way, parameters the other.
/// Neither waits for the other.
package final class LearningExchange: Sendable {
    private struct Contents {
        var texts: [ServedText] = []
        var byteCount = 0
        var parameters: [Float]?
    }

    /// The features that the learner reads.
    package let taps: [FeatureTap]
    package let activity: ServingActivity
    /// Bytes of texts that wait at most, of which the oldest are forgotten.
    private let byteLimit: Int
    private let contents = Mutex(Contents())

    package init(taps: [FeatureTap], activity: ServingActivity = ServingActivity(), byteLimit: Int = 16 << 20) {
        (self.taps, self.activity, self.byteLimit) = (taps, activity, byteLimit)
    }

    /// A text has been served.
    package func deliver(_ text: ServedText) {
        let forgotten = contents.withLock { contents in
            contents.texts.append(text)
            contents.byteCount += text.byteCount
            var count = 0
            while contents.byteCount > byteLimit {
                contents.byteCount -= contents.texts[count].byteCount
                count += 1
            }
            // They are freed behind the lock.
            let forgotten = Array(contents.texts[..<count])
            contents.texts.removeFirst(count)
            return forgotten
        }
        _ = forgotten
    }

    /// The texts that have come since the last call.
    package func takeTexts() -> [ServedText] {
        contents.withLock { contents in
            defer { (contents.texts, contents.byteCount) = ([], 0) }
            return contents.texts
        }
    }

    /// A better head has been found. One that nobody has taken yet is replaced.
    package func offer(_ parameters: [Float]) {
        _ = contents.withLock { contents in
            defer { contents.parameters = parameters }
            return contents.parameters
        }
    }

    /// The parameters of a better head, once.
    package func takeParameters() -> [Float]? {
        contents.withLock { $0.parameters.take() }
    }
}
