import PacelineCluster
import PacelineGateway

/// Which verifier each request of a fleet is for, as the machine of a gateway decides when all of them come at once.
enum FleetPlacement {
    /// - Parameter verifiers: how many there are, all of them ready and of one generation.
    static func place(_ requests: inout [Scenario.Request], among verifiers: Int) {
        var configuration = GatewayConfiguration()
        configuration.requestLimit = requests.count
        var gateway = GatewayMachine(configuration)
        let addresses = (0..<verifiers).map(GatewayProcess.address(ofVerifier:))
        _ = gateway.handle(.replicas(addresses), now: .zero)
        for address in addresses { _ = gateway.handle(.polled(address, .ready(generation: "fleet")), now: .zero) }
        for index in requests.indices {
            let call = StreamCallWriter(requests[index]).call(resuming: nil, seed: nil)
            let effects = gateway.handle(.request(ProxyRequestID(UInt64(index)), call), now: .zero)
            for case .open(_, let address, _) in effects {
                requests[index].verifier = GatewayProcess.index(of: address)
            }
        }
    }
}
