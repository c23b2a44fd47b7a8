import PacelineCluster
import Synchronization

/// The marginal gains of the latest observation, made when first asked for and kept until there is another one.
///
/// A forecast takes milliseconds of a processor, and observations come every two seconds. While one is made, others who
/// ask get the one before, so that nobody waits.
final class GainForecast: Sendable {
    private struct State {
        var number = 0
        var isBusy = false
        var gains: [MarginalGain] = []
    }

    private let state = Mutex(State())

    /// - Parameter board: of the verifier.
    func gains(reading board: SnapshotBoard) -> [MarginalGain] {
        guard let (observation, number) = board.drafting else { return [] }
        let isMine = state.withLock { state in
            guard !state.isBusy, state.number != number else { return false }
            state.isBusy = true
            return true
        }
        guard isMine else { return state.withLock { $0.gains } }
        let gains = MarginalGain.forecast(observation)
        state.withLock { $0 = State(number: number, gains: gains) }
        return gains
    }
}
