/// The planners that a user can name.
package enum PlannerName: String, CaseIterable, Sendable {
    case bestFirst = "best-first"
    case chain, tree
    case dynamicTree = "eagle-2"
    case optTree = "opt-tree"
    case dySpec = "dyspec"
    case sequoia
    case gumbelTree = "rsd-c"
    case stochasticBeam = "rsd-s"
    case entropyStop = "adaedl"
    case confidenceStop = "specdec++"
    case goodput

    /// What can be set, with the values that hold otherwise.
    package var defaults: [PlannerSettings.Key: Double] {
        switch self {
        case .bestFirst: [:]
        case .chain: [.length: 5]
        case .tree: [.width: 2, .depth: 4]
        case .dynamicTree: [.width: 10, .depth: 6, .nodes: 60]
        case .optTree: [.nodes: 32, .depth: 16, .gain: 0.1, .width: 10]
        case .dySpec: [.nodes: 32, .depth: 16, .threshold: 0, .width: 8]
        case .sequoia: [.nodes: 16, .depth: 8]
        case .gumbelTree: [.width: 2, .depth: 4, .candidates: 8, .seed: 0]
        case .stochasticBeam: [.width: 4, .depth: 6, .candidates: 8, .seed: 0]
        case .entropyStop: [.length: 16, .threshold: 0.4, .gamma: 0.2, .width: 8]
        case .confidenceStop: [.length: 20, .shortest: 2, .risk: 0.3]
        case .goodput: [.length: 16]
        }
    }

    /// What can be set, as a user writes it.
    package var keys: [String] {
        PlannerSettings.Key.allCases.filter { defaults[$0] != nil }.map(\.rawValue)
    }

    /// An example of the planner's settings.
    package var example: String {
        switch self {
        case .bestFirst: "best-first"
        case .chain: "chain:length=5"
        case .tree: "tree:width=2,depth=4"
        case .dynamicTree: "eagle-2:width=10,depth=6,nodes=60"
        case .optTree: "opt-tree:nodes=32,gain=0.1"
        case .dySpec: "dyspec:nodes=32,threshold=0.02"
        case .sequoia: "sequoia:nodes=16,depth=8"
        case .gumbelTree: "rsd-c:width=2,depth=4"
        case .stochasticBeam: "rsd-s:width=4,depth=6"
        case .entropyStop: "adaedl:threshold=0.4"
        case .confidenceStop: "specdec++:risk=0.3"
        case .goodput: "goodput:length=16"
        }
    }
}
