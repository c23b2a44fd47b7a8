// swift-tools-version: 6.2
import PackageDescription

/// Optimises C kernels in debug builds too: tests compare whole model passes, which would take hours with unoptimised
/// kernels. Contraction is off so that the scalar twins and the SIMD versions round alike; the code writes out every
/// fused multiply-add.
let kernelSettings: [CSetting] = [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Werror"])]

/// The commit that `--version` names, if who builds says so. SwiftPM knows it too, but keeps what it knew when it read
/// this manifest for the first time.
let commit = Context.environment["PACELINE_COMMIT"] ?? ""

let dependencies: [Package.Dependency] = [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
    .package(url: "https://github.com/apple/swift-crypto", "4.5.2"..<"5.0.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
]

let targets: [Target] = [
    // Libraries from Debian.
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),

    // Kernels: scalar twins that define the bits, SIMD versions that equal them, and the thread pool.
    .target(
        name: "CPacelineKernels",
        dependencies: ["COpenBLAS"],
        cSettings: kernelSettings + [.headerSearchPath(".")],
        linkerSettings: [.linkedLibrary("dl")]
    ),
    // The safe wrapper around the kernels and OpenBLAS.
    .target(name: "PacelineTensor", dependencies: ["CPacelineKernels"]),
    .testTarget(
        name: "PacelineTensorTests",
        dependencies: ["CPacelineKernels", "PacelineSpeculation", "PacelineTensor", "PacelineTestTraits"]
    ),

    // Pure logic of drafting and verifying: trees, drafters, acceptance rules, planner.
    .target(name: "PacelineSpeculation", exclude: ["README.md"]),
    .testTarget(name: "PacelineSpeculationTests", dependencies: ["PacelineSpeculation"]),

    // Pure logic of conversations: chat templates, which are programs in a part of Jinja.
    .target(name: "PacelineChat"),
    .testTarget(name: "PacelineChatTests", dependencies: ["PacelineChat", "PacelineSpeculation"]),

    // What a text may be, as an automaton over bytes: JSON schemas, regular expressions, llama.cpp's grammars; masks.
    .target(name: "PacelineGrammar", dependencies: ["PacelineChat", "PacelineSpeculation"]),
    .testTarget(name: "PacelineGrammarTests", dependencies: ["PacelineGrammar", "PacelineSpeculation"]),

    // Pure logic of training draft heads: layers with their gradients, heads, optimiser.
    .target(
        name: "PacelineTraining",
        dependencies: ["CPacelineChecksum", "CPacelineKernels", "PacelineSpeculation"]
    ),
    .testTarget(
        name: "PacelineTrainingTests",
        dependencies: ["PacelineSpeculation", "PacelineTestTraits", "PacelineTraining"]
    ),

    // Model files, tokenizers, the transformer, KV cache and sampling.
    .target(
        name: "PacelineModel",
        dependencies: [
            "CPacelineKernels", "PacelineChat", "PacelineGrammar", "PacelineSpeculation", "PacelineTensor",
            "PacelineTraining",
            .product(name: "Crypto", package: "swift-crypto"),
        ],
        exclude: ["Tokenizer/Unicode/generate.py"]
    ),
    .testTarget(
        name: "PacelineModelTests",
        dependencies: [
            "PacelineChat", "PacelineGrammar", "PacelineModel", "PacelineSpeculation", "PacelineTensor",
            "PacelineTestKit", "PacelineTestTraits", "PacelineTraining",
        ],
        resources: [.copy("Goldens")]
    ),

    // Messages and frames. The C targets are the committed protoc-c output for Protocols/, and a checksum.
    .target(name: "CPacelineProtocol", dependencies: ["CProtobufC"]),
    .target(name: "CPacelineChecksum", cSettings: kernelSettings),
    .target(
        name: "PacelineWire",
        dependencies: [
            "CPacelineChecksum", "CPacelineProtocol", "PacelineSpeculation",
            .product(name: "NIOCore", package: "swift-nio"),
        ]
    ),
    .testTarget(
        name: "PacelineWireTests",
        dependencies: [
            "CPacelineChecksum", "PacelineSpeculation", "PacelineWire",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOTestUtils", package: "swift-nio"),
        ]
    ),

    // Figures for monitoring: a backend of swift-metrics that answers Prometheus.
    .target(name: "PacelineMetrics", dependencies: [.product(name: "CoreMetrics", package: "swift-metrics")]),
    .testTarget(
        name: "PacelineMetricsTests",
        dependencies: ["PacelineMetrics", .product(name: "CoreMetrics", package: "swift-metrics")]
    ),

    // The distributed system: state machines for both ends of a link, and the sockets and threads that run them.
    .target(
        name: "PacelineCluster",
        dependencies: [
            "PacelineMetrics", "PacelineModel", "PacelineSpeculation", "PacelineTensor", "PacelineWire",
            .product(name: "Crypto", package: "swift-crypto"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "NIOTLS", package: "swift-nio"),
        ]
    ),
    .testTarget(
        name: "PacelineClusterTests",
        dependencies: [
            "PacelineCluster", "PacelineGrammar", "PacelineMetrics", "PacelineModel", "PacelineSimulation",
            "PacelineSpeculation", "PacelineTensor", "PacelineTestKit", "PacelineWire",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOEmbedded", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]
    ),

    // The HTTP API for clients of a verifier.
    .target(
        name: "PacelineServer",
        dependencies: [
            "PacelineChat", "PacelineCluster", "PacelineGrammar", "PacelineMetrics", "PacelineModel",
            "PacelineSpeculation", "PacelineWire",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "Crypto", package: "swift-crypto"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "HummingbirdTLS", package: "hummingbird"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ],
        // The dashboards' pages, in the executable: there is nothing to install beside it.
        resources: [
            "page.html", "gateway.html", "style.css", "icon.svg", "main.js", "gateway.js", "frame.js", "stream.js",
            "history.js", "charts.js", "widgets.js", "panels.js", "replicas.js", "tree.js", "rounds.js", "dom.js",
        ].map { .embedInCode("Dashboard/Page/\($0)") }
    ),

    .testTarget(
        name: "PacelineServerTests",
        dependencies: [
            "PacelineCluster", "PacelineGrammar", "PacelineMetrics", "PacelineModel", "PacelineServer",
            "PacelineSimulation", "PacelineSpeculation", "PacelineTestKit",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "CoreMetrics", package: "swift-metrics"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]
    ),

    // The front of several verifiers: one machine that places requests and goes on with streams, and its sockets.
    .target(
        name: "PacelineGateway",
        dependencies: [
            "PacelineChat", "PacelineCluster", "PacelineMetrics", "PacelineServer", "PacelineSpeculation",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]
    ),
    .testTarget(
        name: "PacelineGatewayTests",
        dependencies: [
            "PacelineChaos", "PacelineChat", "PacelineCluster", "PacelineGateway", "PacelineMetrics", "PacelineModel",
            "PacelineServer", "PacelineSpeculation", "PacelineTestKit",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]
    ),

    // Deterministic simulation of whole clusters under faults: no sockets, threads or clocks.
    .target(
        name: "PacelineSimulation",
        dependencies: [
            "PacelineChat", "PacelineCluster", "PacelineGateway", "PacelineModel", "PacelineServer",
            "PacelineSpeculation", "PacelineTensor", "PacelineWire",
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "NIOCore", package: "swift-nio"),
        ],
        exclude: ["README.md"]
    ),
    .testTarget(
        name: "PacelineSimulationTests",
        dependencies: [
            "PacelineCluster", "PacelineGateway", "PacelineServer", "PacelineSimulation", "PacelineSpeculation",
            "PacelineTestTraits", "PacelineWire",
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "NIOCore", package: "swift-nio"),
        ]
    ),

    // The logic of load tests: schedules, histograms and figures.
    .target(name: "PacelineLoad", dependencies: ["PacelineSpeculation"]),
    .testTarget(
        name: "PacelineLoadTests",
        dependencies: ["PacelineLoad", "PacelineSpeculation"],
        exclude: ["Goldens/make.py", "Goldens/requirements.txt"],
        resources: [.copy("Goldens/histograms.json")]
    ),

    // What Swift does not see of the system's calls for processes.
    .target(name: "CPacelineProcess", cSettings: [.unsafeFlags(["-Wall", "-Werror"])]),
    // Faults for real processes: a TCP relay, proxies with Toxiproxy's HTTP API, and schedules of faults.
    .target(
        name: "PacelineChaos",
        dependencies: [
            "CPacelineProcess", "PacelineChat", "PacelineCluster", "PacelineMetrics", "PacelineServer",
            "PacelineSpeculation", "PacelineWire",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "Yams", package: "yams"),
        ]
    ),
    .testTarget(
        name: "PacelineChaosTests",
        dependencies: [
            "CPacelineProcess", "PacelineChaos", "PacelineCluster", "PacelineServer", "PacelineSpeculation",
            "PacelineWire",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]
    ),

    // What the build says about itself.
    .target(name: "CPacelineBuild", cSettings: [.define("PACELINE_COMMIT", to: "\"\(commit)\"")]),
    .executableTarget(
        name: "paceline",
        dependencies: [
            "CPacelineBuild", "PacelineChaos", "PacelineCluster", "PacelineGateway", "PacelineLoad", "PacelineMetrics",
            "PacelineModel", "PacelineServer", "PacelineSimulation", "PacelineSpeculation", "PacelineTensor",
            "PacelineTraining", "PacelineWire",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]
    ),

    // Shared by tests: tiny models and vocabularies, and a writer of model files.
    .target(
        name: "PacelineTestKit",
        dependencies: ["PacelineModel", "PacelineSpeculation", "PacelineTensor"],
        path: "Tests/PacelineTestKit"
    ),
    // How tests run: on threads of their own, if they compute for long.
    .target(name: "PacelineTestTraits", path: "Tests/PacelineTestTraits"),
    // Tests of whole clusters of real processes.
    .testTarget(
        name: "ClusterTests",
        dependencies: [
            "PacelineCluster", "PacelineMetrics", "PacelineModel", "PacelineServer", "PacelineSpeculation",
            "PacelineTensor", "PacelineTestKit", "PacelineTraining", "paceline",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ],
        exclude: ["Prompts"],
        resources: [.copy("Goldens")]
    ),
]

/// Reading bytes from outside under a fuzzer. The targets run in the tests too, on the inputs in Tests/Fuzzing/corpora.
let fuzzing: [Target] = [
    .target(
        name: "PacelineFuzzing",
        dependencies: [
            "CPacelineChecksum", "PacelineChaos", "PacelineChat", "PacelineCluster", "PacelineGrammar", "PacelineModel",
            "PacelineServer", "PacelineSpeculation", "PacelineTensor", "PacelineTestKit", "PacelineWire",
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
        ],
        path: "Tests/Fuzzing/Targets"
    ),
    .testTarget(
        name: "PacelineFuzzingTests",
        dependencies: ["PacelineFuzzing", "PacelineTestTraits"],
        path: "Tests/Fuzzing/Replay"
    ),
]

/// The fuzzer's driver needs instrumented code: Tests/Fuzzing/fuzz.sh builds it in a folder of its own.
let fuzzes = Context.environment["PACELINE_FUZZING"] != nil
let fuzzer: Target = .executableTarget(
    name: "PacelineFuzzer",
    dependencies: ["PacelineFuzzing"],
    path: "Tests/Fuzzing/Driver",
    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]
)

let package = Package(
    name: "paceline",
    dependencies: dependencies,
    targets: targets + fuzzing + (fuzzes ? [fuzzer] : [])
)

/// Modules of pure logic on one thread at a time. Debug builds, and with them all tests, check that no two accesses to
/// a variable overlap. Release builds of these modules do not: a simulation would spend a tenth of its time on that.
let unguarded: Set = ["PacelineGrammar", "PacelineSimulation", "PacelineSpeculation", "PacelineWire"]

/// Modules that simulations and other tests spend their time in. With PACELINE_QUICK_SIMULATION, debug builds optimise
/// these and keep assertions, planted bugs and what tests see. That takes longer to build, so it is for those who run
/// all tests.
let busy: Set = [
    "PacelineChat", "PacelineCluster", "PacelineGateway", "PacelineGrammar", "PacelineModel", "PacelineServer",
    "PacelineSimulation", "PacelineSpeculation", "PacelineTensor", "PacelineTestKit", "PacelineTraining",
    "PacelineWire",
]
let isQuick = Context.environment["PACELINE_QUICK_SIMULATION"] != nil
// Not as whole modules: an ordinary build in the same folder would then take objects of both kinds together.
let quick = ["-O", "-assert-config", "Debug"]

for target in package.targets where [.regular, .executable, .test].contains(target.type) {
    guard !target.name.hasPrefix("C") || target.name == "ClusterTests" else { continue }
    target.swiftSettings = [
        .treatAllWarnings(as: .error),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
        .enableUpcomingFeature("ExistentialAny"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
        .enableUpcomingFeature("MemberImportVisibility"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]
    if unguarded.contains(target.name) {
        target.swiftSettings?.append(
            .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
        )
    }
    if busy.contains(target.name), isQuick {
        target.swiftSettings?.append(.unsafeFlags(quick, .when(configuration: .debug)))
    }
    if fuzzes { target.swiftSettings?.append(.unsafeFlags(["-sanitize=fuzzer"])) }
}
