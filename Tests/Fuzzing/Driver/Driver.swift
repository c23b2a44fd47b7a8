import Glibc
import PacelineFuzzing

/// Runs one target under libFuzzer. `PACELINE_FUZZ_TARGET` names it; the arguments are libFuzzer's. With `--seeds
/// FOLDER` it only writes the target's first inputs.
@main
enum Driver {
    /// The one that runs. libFuzzer calls a C function, on one thread.
    nonisolated(unsafe) fileprivate static var target: (any FuzzTarget)?

    static func main() throws {
        guard let name = getenv("PACELINE_FUZZ_TARGET").map({ String(cString: $0) }),
            let named = FuzzTargets(rawValue: name)
        else {
            let known = FuzzTargets.allCases.map(\.rawValue).joined(separator: ", ")
            fail("PACELINE_FUZZ_TARGET must be one of \(known)")
        }
        let target = try named.make()
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "--seeds" {
            return try write(target.seeds(), to: CommandLine.arguments[2])
        }
        Self.target = target
        var (count, values) = (CommandLine.argc, CommandLine.unsafeArgv)
        exit(runFuzzer(&count, &values, execute))
    }

    private static func write(_ seeds: [FuzzSeed], to folder: String) throws {
        for seed in seeds {
            guard let file = fopen("\(folder)/\(seed.name)", "w") else { fail("\(folder) cannot be written to") }
            defer { fclose(file) }
            guard fwrite(seed.bytes, 1, seed.bytes.count, file) == seed.bytes.count else { fail("the disk is full") }
        }
    }

    private static func fail(_ reason: String) -> Never {
        say(reason)
        exit(1)
    }
}

/// What libFuzzer calls for each input; 0 keeps one that reaches something new. It has libFuzzer's name for it, because
/// its own main function, which may be linked and is not called, asks for that.
@_cdecl("LLVMFuzzerTestOneInput")
public func execute(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        _ = try Driver.target?.execute(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    } catch {
        say("finding: \(error)")
        abort()
    }
}

/// Writes a line to standard error.
private func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
}

/// libFuzzer's main function, which takes the place of a program's own only where that has none.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ values: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
