import Foundation
import PacelineCluster

/// Certificates that `Deploy/certs.sh` and openssl make for the tests, once for all of them.
enum TestAuthority {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// By folder: `good` and `other` are authorities of their own; `expired` has certificates of `good` that ran out.
    static let root: Result<URL, any Error> = Result {
        let root = FileManager.default.temporaryDirectory.appending(path: "paceline-certs-\(getpid())")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        atexit { if case .success(let root) = TestAuthority.root { try? FileManager.default.removeItem(at: root) } }
        let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let script = package.appending(path: "Deploy/certs.sh").path
        for name in ["good", "other"] { try run("/bin/bash", script, root.appending(path: name).path) }
        try expire(in: root)
        return root
    }

    /// A worker's certificate that was good from 2020 to 2021.
    private static func expire(in root: URL) throws {
        let good = root.appending(path: "good").path
        let folder = root.appending(path: "expired").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let commands = """
            set -e; umask 077; cd '\(folder)'; cp '\(good)/worker-key.pem' .
            openssl req -new -key worker-key.pem -subj /CN=late -out late.csr
            touch index; echo 01 > serial
            printf '%s\\n' '[ca]' 'default_ca=d' '[d]' 'database=index' 'serial=serial' 'new_certs_dir=.' \
                'default_md=sha256' 'policy=p' 'x509_extensions=e' '[p]' 'commonName=supplied' \
                '[e]' 'subjectAltName=URI:paceline://worker' > config
            openssl ca -batch -notext -config config -cert '\(good)/ca.pem' -keyfile '\(good)/ca-key.pem' \
                -startdate 20200101000000Z -enddate 20210101000000Z -in late.csr -out worker.pem
            """
        try run("/bin/bash", "-c", commands)
    }

    /// Files of one side, by the folders that its certificate and its authority come from.
    static func files(
        _ holder: String,
        of folder: String = "good",
        trusting authority: String = "good",
        allowing names: [SubjectName] = []
    ) throws -> LinkTLS.Files {
        let root = try root.get()
        return LinkTLS.Files(
            certificate: root.appending(path: "\(folder)/\(holder).pem").path,
            key: root.appending(path: "\(folder)/\(holder)-key.pem").path,
            authority: root.appending(path: "\(authority)/ca.pem").path,
            allowedNames: names
        )
    }

    static func run(_ command: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(command): \(String(decoding: said, as: UTF8.self))")
        }
    }
}
