package import PacelineCluster

/// What strikes a service, when, and how its health is seen. A value: reading it touches nothing.
package struct NemesisSchedule: Sendable, Hashable {
    package var name: String
    package var seed: UInt64
    /// How long faults strike; then everything heals.
    package var length: Duration
    /// How long the service may take to be healthy before the first fault.
    package var ready: Duration
    /// How long it may take to be healthy again after the last.
    package var recovery: Duration
    package var processes: [ScheduledProcess]
    package var links: [ScheduledLink]
    package var checks: [ServiceCheck]
    package var faults: [ScheduledFault]
}

/// A program with its arguments, and where it runs.
package struct ScheduledCommand: Sendable, Hashable {
    package var arguments: [String]
    /// nil for that of the nemesis.
    package var directory: String?
    /// Variables besides those of the nemesis, which are inherited, settings of Paceline (`PACELINE_…`) included.
    package var environment: [String: String] = [:]
    /// The file that its output is appended to; nil drops it.
    package var output: String?

    package init(arguments: [String]) {
        self.arguments = arguments
    }
}

/// A process that faults strike: started by the nemesis, or found when it is needed.
package struct ScheduledProcess: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
        case started(ScheduledCommand)
        case found(ProcessSelector)
    }

    package var name: String
    package var source: Source
    /// Starts it again after a kill; nil for one that the nemesis started, or that comes back of itself.
    package var restart: ScheduledCommand?
    /// Whether signals go to its descendants too.
    package var includesDescendants: Bool

    /// Whether somebody else starts it again, so that it is not down for as long as a kill lasts.
    var comesBack: Bool {
        if case .found = source { restart == nil } else { false }
    }

    /// The file that gets what the nemesis's process of it writes.
    var output: String? {
        if case .started(let command) = source { command.output } else { restart?.output }
    }
}

/// A connection between parts of the service: a proxy that the nemesis listens with.
package struct ScheduledLink: Sendable, Hashable {
    package var name: String
    package var listen: Endpoint
    package var upstream: Endpoint
}

/// How to see whether the service works.
package struct ServiceCheck: Sendable, Hashable {
    package enum Probe: Sendable, Hashable {
        /// A GET; succeeds with one of these statuses.
        case http(url: String, statuses: ClosedRange<Int>)
        /// A connection; what it sends, if anything.
        case tcp(Endpoint, send: String)
        /// Succeeds with exit status 0.
        case command(ScheduledCommand)
    }

    package var name: String
    package var probe: Probe
    /// What the answer must contain; empty for anything.
    package var contains: String
    package var every: Duration
    package var timeout: Duration
    /// How many ask at once, each at its own pace.
    package var clients: Int
}

/// A line of the schedule: what may happen, and when.
package struct ScheduledFault: Sendable, Hashable {
    package enum Times: Sendable, Hashable {
        /// At these moments from the beginning.
        case at([DurationChoice])
        /// Over and over: from one beginning to the next, the first, and how often at most.
        case every(DurationChoice, from: DurationChoice?, times: Int?)
    }

    /// Where it stands, for errors.
    package var line: Int
    package var column: Int
    /// One of these, chosen each time.
    package var choices: [FaultChoice]
    package var times: Times
}

/// One fault with its targets.
package struct FaultChoice: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Bytes on the links wait, in these directions.
        case partition([StreamDirection])
        /// The links refuse connections, and close those that there are.
        case down
        /// A partition that comes and goes.
        case flap(down: DurationChoice, up: DurationChoice)
        /// A random half of the links is partitioned one by one, and mended in another random order.
        case swizzle([StreamDirection])
        /// The processes get a signal that ends them, and are started again afterwards.
        case kill(ProcessSignal)
        /// The processes are stopped, and continued afterwards.
        case pause
        /// The links have a toxic.
        case toxic(ToxicDefinition)
        /// Every fault ends.
        case heal
    }

    package var kind: Kind
    /// Links or processes, as the kind wants.
    package var targets: [String]
    /// How many of the targets are struck, chosen each time; nil for all.
    package var pick: Int?
    /// nil until the end of the schedule, or until everything is healed.
    package var lasting: DurationChoice?
}

/// A time, or a random one within two.
package struct DurationChoice: Sendable, Hashable {
    package var range: ClosedRange<Duration>

    package init(_ range: ClosedRange<Duration>) {
        self.range = range
    }

    package init(_ duration: Duration) {
        range = duration...duration
    }
}

extension FaultChoice.Kind {
    /// What the schedule calls it.
    package var word: String {
        switch self {
        case .partition: "partition"
        case .down: "down"
        case .flap: "flap"
        case .swizzle: "swizzle"
        case .kill: "kill"
        case .pause: "pause"
        case .toxic: "toxic"
        case .heal: "heal"
        }
    }

    /// Whether its targets are processes; otherwise they are links.
    package var strikesProcesses: Bool {
        switch self {
        case .kill, .pause: true
        case .partition, .down, .flap, .swizzle, .toxic, .heal: false
        }
    }
}
