import ArgumentParser

/// `paceline chaos`: faults for real processes.
struct ChaosCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Degrade the network between real processes, without privileges or kernel modules.",
        discussion: """
            A server of proxies takes faults while it runs, over Toxiproxy's HTTP API:

              paceline chaos serve
              paceline chaos create --listen 127.0.0.1:26379 --upstream 127.0.0.1:6379 redis
              paceline chaos toxic add --type reset_peer --attribute timeout=500 redis

            A schedule strikes a whole cluster, processes too, and sees whether it recovers:

              paceline chaos nemesis Deploy/chaos/http-pair.yaml

            A relay is one proxy in one line, between workers and their verifier, or a client and its server:

              paceline verifier -m smollm2-135m --listen 127.0.0.1:7411
              paceline chaos --listen 127.0.0.1:7500 --connect 127.0.0.1:7411 --delay 20ms --bandwidth 10Mbit
              paceline worker --connect 127.0.0.1:7500 -md ngram
            """,
        subcommands: [
            ChaosServeCommand.self, ChaosCreateCommand.self, ChaosListCommand.self, ChaosInspectCommand.self,
            ChaosToggleCommand.self, ChaosDeleteCommand.self, ChaosToxicCommand.self, ChaosResetCommand.self,
            ChaosPopulateCommand.self, ChaosReplayCommand.self, ChaosProcCommand.self, ChaosNemesisCommand.self,
            ChaosRelayCommand.self, ChaosGuardCommand.self,
        ],
        defaultSubcommand: ChaosRelayCommand.self
    )
}
