import ArgumentParser

/// `paceline chaos`: faults for real processes.
struct ChaosCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Degrade the network between real processes, without privileges or kernel modules.",
        discussion: """
            A relay sits between workers and their verifier, or between a client and its server, and slows the traffic:

              paceline verifier -m smollm2-135m --listen 127.0.0.1:7411
              paceline chaos --listen 127.0.0.1:7500 --connect 127.0.0.1:7411 --delay 20ms --bandwidth 10Mbit
              paceline worker --connect 127.0.0.1:7500 -md ngram
            """,
        subcommands: [ChaosRelayCommand.self],
        defaultSubcommand: ChaosRelayCommand.self
    )
}
