import ArgumentParser
import PacelineLoad

/// The distributions of a load test as files that the tools of HdrHistogram read, in milliseconds.
struct HDRFiles {
    /// Microseconds, in which latencies are kept, for each millisecond of the files.
    private static let scale = 1000.0

    /// `latency.hgrm` on the command line becomes `latency-ttft.hgrm`, `latency-plain-ttft.hgrm` …
    let path: String

    /// - Throws: `ValidationError` if a file cannot be written.
    func write(_ results: [(name: String, figures: LoadFigures)]) throws(ValidationError) {
        for (name, figures) in results {
            for latency in LoadFigures.Latency.allCases {
                let histogram = figures.histogram(latency)
                guard histogram.totalCount > 0 else { continue }
                let parts = (name == "all" ? [] : [name]) + [latency.rawValue]
                try OutputFile.write(
                    histogram.distribution(scale: Self.scale),
                    "the distribution",
                    to: file(parts.joined(separator: "-"))
                )
            }
        }
    }

    private func file(_ suffix: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "\(path)-\(suffix).hgrm" }
        let fileExtension = name[dot...]
        return "\(path.dropLast(fileExtension.count))-\(suffix)\(fileExtension)"
    }
}
