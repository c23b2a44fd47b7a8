import ArgumentParser
import PacelineTensor

/// How keys and values are stored.
struct CacheOptions: ParsableArguments {
    @Option(
        name: [.customLong("kv-type"), .customLong("cache-type")],
        help: ArgumentHelp(
            "How to store keys and values: f16, or int8 for half the memory and faster trees in long contexts, at "
                + "some loss of accuracy. Tokens depend on this choice, just as they depend on the weight file.",
            valueName: "type"
        )
    )
    var type = KVType.f16
}

extension KVType: ExpressibleByArgument {}
