import PacelineModel

/// What `bench engine --json` prints.
struct EngineReportJSON: Encodable {
    enum CodingKeys: String, CodingKey {
        case model, threads
        case instructionSet = "instruction_set"
        case bandwidth = "bandwidth_gbps"
        case int8Peak = "int8_gmacs"
        case floatPeak = "float_gflops"
        case decode = "decode_tps"
        case fractionOfBandwidth = "fraction_of_bandwidth"
        case prefill = "prefill_tps"
        case fractionOfInt8Peak = "fraction_of_int8_peak"
        case verify = "verify_ms"
        case decodeByContext = "decode_ms_by_context"
        case bytesPerPass = "bytes_per_pass"
        case cacheBytesPerToken = "kv_bytes_per_token"
        case loading = "load_ms"
    }

    var model: String
    var threads: Int
    var instructionSet: String
    var bandwidth: Double
    var int8Peak: Double
    var floatPeak: Double
    var decode: Double
    var fractionOfBandwidth: Double
    var prefill: Double
    var fractionOfInt8Peak: Double
    var verify: [String: Double]
    var decodeByContext: [String: Double]
    var bytesPerPass: Int
    var cacheBytesPerToken: Int
    var loading: Double

    init(_ report: EngineReport, model: String, loading: Duration) {
        self.model = model
        threads = report.threads
        instructionSet = report.instructionSet
        bandwidth = report.bandwidth
        int8Peak = report.int8Peak
        floatPeak = report.floatPeak
        decode = report.decodeTokensPerSecond
        fractionOfBandwidth = report.fractionOfBandwidth
        prefill = report.prefillTokensPerSecond
        fractionOfInt8Peak = report.fractionOfInt8Peak
        verify = Self.byName(report.verifyMilliseconds)
        decodeByContext = Self.byName(report.decodeMillisecondsByContext)
        bytesPerPass = report.bytesPerPass
        cacheBytesPerToken = report.cacheBytesPerToken
        self.loading = loading / .milliseconds(1)
    }

    private static func byName(_ figures: [Int: Double]) -> [String: Double] {
        Dictionary(uniqueKeysWithValues: figures.map { ("\($0.key)", $0.value) })
    }
}
