import ArgumentParser
import PacelineTensor

/// How keys and values are stored.
struct CacheOptions: ParsableArguments {
    @Option(
        name: [.customLong("kv-type"), .customLong("cache-type")],
        help: ArgumentHelp(
            "How keys and values are stored: f16, or int8 for half the memory and faster trees in long contexts, "
                + "at some loss of accuracy. Part of the model's numbers: tokens depend on it as on the weight file.",
            valueName: "type"
        )
    )
    var type = KVType.f16
}

extension KVType: ExpressibleByArgument {}
