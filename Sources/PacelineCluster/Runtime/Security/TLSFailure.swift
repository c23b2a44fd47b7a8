import Foundation
import NIOCore
import NIOSSL

/// What a TLS error means for a link.
enum TLSFailure: Equatable {
    /// One side does not trust the other; trying again does not help.
    case distrust(String)
    /// Anything else; nil if the connection simply ended.
    case broken(String?)

    /// - Parameters:
    ///   - certificate: the peer's, if it has shown one.
    ///   - now: seconds since 1970.
    init(_ error: any Error, certificate: NIOSSLCertificate?, now: time_t) {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            self = .distrust(
                "the other side's certificate is not for the address it is at, but \(Self.names(certificate))"
            )
        } else if let error = error as? NIOSSLError, error == .uncleanShutdown {
            self = .broken(nil)
        } else if error is IOError || error is ChannelError {
            self = .broken("\(SocketFailure(error))")
        } else {
            self.init(codes: Self.codes(in: "\(error)"), error: error, certificate: certificate, now: now)
        }
    }

    private init(codes: [String], error: any Error, certificate: NIOSSLCertificate?, now: time_t) {
        for code in codes {
            if code == "CERTIFICATE_VERIFY_FAILED" {
                self = .distrust(Self.verdict(on: certificate, now: now))
                return
            }
            if let sentence = Self.distrust[code] {
                self = .distrust(sentence)
                return
            }
            if let sentence = Self.broken[code] {
                self = .broken(sentence)
                return
            }
        }
        let isCut = "\(error)".contains("EOF during handshake")
        let code = codes.isEmpty ? "" : " (\(codes.joined(separator: ", ")))"
        let failed = "the TLS handshake failed\(code); check the certificates of both sides"
        self = .broken(isCut ? "the connection ended during the TLS handshake" : failed)
    }

    private static func verdict(on certificate: NIOSSLCertificate?, now: time_t) -> String {
        guard let certificate else {
            return "the other side's certificate has expired, or the authority in --tls-ca has not signed it"
        }
        let complaint = certificate.complaint(now: now) ?? "was not signed by the authority in --tls-ca"
        return "the other side's certificate (\(names(certificate))) \(complaint)"
    }

    private static func names(_ certificate: NIOSSLCertificate?) -> String {
        let names = certificate.map(SubjectName.names) ?? []
        return names.isEmpty ? "without a name" : names.prefix(4).map(\.description).joined(separator: ", ")
    }

    /// BoringSSL's names of what went wrong, such as `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_…`.
    static func codes(in text: String) -> [String] {
        text.components(separatedBy: "OPENSSL_internal:").dropFirst().map { rest in
            String(rest.prefix { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") })
        }
    }

    private static let distrust = [
        "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the other side showed no certificate",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the other side says that this side's certificate has expired",
        "TLSV1_ALERT_UNKNOWN_CA":
            "the other side says that its authority (--tls-ca) has not signed this side's certificate",
        "SSLV3_ALERT_BAD_CERTIFICATE": "the other side refuses this side's certificate",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the other side refuses this kind of certificate",
        "SSLV3_ALERT_CERTIFICATE_REVOKED": "the other side says that this side's certificate was revoked",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the other side refuses this side's certificate",
        "TLSV1_ALERT_CERTIFICATE_REQUIRED": "the other side asks for a certificate; give --tls-certificate",
        "TLSV1_ALERT_ACCESS_DENIED": "the other side refuses this side's certificate",
        "TLSV1_ALERT_PROTOCOL_VERSION": "the other side does not speak TLS 1.3",
        "UNSUPPORTED_PROTOCOL": "the other side does not speak TLS 1.3",
    ]

    private static let broken = [
        "WRONG_VERSION_NUMBER": notTLS, "HTTP_REQUEST": notTLS, "HTTPS_PROXY_REQUEST": notTLS, "INVALID_ALERT": notTLS,
        "NO_SHARED_CIPHER": nothingInCommon, "SSLV3_ALERT_HANDSHAKE_FAILURE": nothingInCommon,
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": changed, "SSLV3_ALERT_BAD_RECORD_MAC": changed,
        "BAD_DECRYPT": changed, "TLSV1_ALERT_DECRYPT_ERROR": changed,
        "TLSV1_ALERT_INTERNAL_ERROR": "the other side's TLS failed; look at its log",
    ]

    private static let notTLS = "the other side does not speak TLS"
    private static let nothingInCommon = "both sides know no TLS cipher in common"
    private static let changed = "bytes were changed on their way"
}

extension NIOSSLCertificate {
    /// Why it is not valid at a time in seconds since 1970; nil if it is.
    func complaint(now: time_t) -> String? {
        if now > notValidAfter { return "expired on \(Self.date(notValidAfter))" }
        if now < notValidBefore { return "is not valid before \(Self.date(notValidBefore))" }
        return nil
    }

    private static func date(_ seconds: time_t) -> String {
        var seconds = seconds
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "\(seconds)" }
        let digits = { (number: Int32) in (number < 10 ? "0" : "") + "\(number)" }
        let day = "\(parts.tm_year + 1900)-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday))"
        return "\(day) \(digits(parts.tm_hour)):\(digits(parts.tm_min)) UTC"
    }
}
