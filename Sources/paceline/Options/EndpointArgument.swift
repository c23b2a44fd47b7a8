import ArgumentParser
import PacelineCluster

extension Endpoint: ExpressibleByArgument {
    init?(argument: String) {
        try? self.init(argument)
    }
}
