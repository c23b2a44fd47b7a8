import PacelineModel

/// What `bench engine --json` prints.
struct EngineReportJSON: Encodable {
    enum CodingKeys: String, CodingKey {
        case model, threads
        case instructionSet = "instruction_set"
        case bandwidth = "bandwidth_gbps"
        case codesBandwidth = "codes_bandwidth_gbps"
        case int8Peak = "int8_gmacs"
        case floatPeak = "float_gflops"
        case decode = "decode_tps"
        case fractionOfBandwidth = "fraction_of_bandwidth"
        case fractionOfCodesBandwidth = "fraction_of_codes_bandwidth"
        case prefill = "prefill_tps"
        case fractionOfInt8Peak = "fraction_of_int8_peak"
        case verify = "verify_ms"
        case kernels = "kernel_ms"
        case verifyLimit = "verify_limit_ms"
        case decodeByContext = "decode_ms_by_context"
        case decodeLimitByContext = "decode_limit_ms_by_context"
        case bytesPerPass = "bytes_per_pass"
        case cacheBytesPerToken = "kv_bytes_per_token"
        case load = "load_ms"
        case loadLimit = "load_limit_ms"
        case firstToken = "first_token_ms"
        case fileBytes = "file_bytes"
        case residentBytes = "resident_bytes"
        case peakResidentBytes = "peak_resident_bytes"
    }

    var model: String
    var threads: Int
    var instructionSet: String
    var bandwidth: Double
    var codesBandwidth: Double
    var int8Peak: Double
    var floatPeak: Double
    var decode: Double
    var fractionOfBandwidth: Double
    var fractionOfCodesBandwidth: Double
    var prefill: Double
    var fractionOfInt8Peak: Double
    var verify: [String: Double]
    var kernels: [String: Double]
    var verifyLimit: [String: Double]
    var decodeByContext: [String: Double]
    var decodeLimitByContext: [String: Double]
    var bytesPerPass: Int
    var cacheBytesPerToken: Int
    var load: Double
    var loadLimit: Double
    var firstToken: Double
    var fileBytes: Int
    var residentBytes: Int
    var peakResidentBytes: Int

    init(_ report: EngineReport, startup: StartupReport, model: String) {
        self.model = model
        threads = report.threads
        instructionSet = report.instructionSet
        bandwidth = report.bandwidth
        codesBandwidth = report.codesBandwidth
        int8Peak = report.int8Peak
        floatPeak = report.floatPeak
        decode = report.decodeTokensPerSecond
        fractionOfBandwidth = report.fractionOfBandwidth
        fractionOfCodesBandwidth = report.fractionOfCodesBandwidth
        prefill = report.prefillTokensPerSecond
        fractionOfInt8Peak = report.fractionOfInt8Peak
        verify = Self.byName(report.verifyMilliseconds) { $1 }
        kernels = Self.byName(report.kernelMilliseconds) { $1 }
        verifyLimit = Self.byName(report.verifyMilliseconds) { rows, _ in report.limitMilliseconds(rows: rows) }
        decodeByContext = Self.byName(report.decodeMillisecondsByContext) { $1 }
        decodeLimitByContext = Self.byName(report.decodeMillisecondsByContext) { context, _ in
            report.memoryMilliseconds(context: context)
        }
        bytesPerPass = report.bytesPerPass
        cacheBytesPerToken = report.cacheBytesPerToken
        load = startup.load / .milliseconds(1)
        loadLimit = startup.limitMilliseconds(bandwidth: report.bandwidth)
        firstToken = startup.firstToken / .milliseconds(1)
        fileBytes = startup.fileBytes
        residentBytes = startup.residentBytes
        peakResidentBytes = startup.peakResidentBytes
    }

    private static func byName(_ figures: [Int: Double], _ value: (Int, Double) -> Double) -> [String: Double] {
        Dictionary(uniqueKeysWithValues: figures.map { ("\($0.key)", value($0.key, $0.value)) })
    }
}
