import Foundation
import Testing

@Suite("Generated C")
struct GeneratedCodeTests {
    @Test(
        "the committed C structures are those of the .proto files",
        .enabled(if: ProtobufCompiler.path != nil, "needs protoc-c: apt-get install protobuf-c-compiler")
    )
    func upToDate() throws {
        _ = try ProtobufCompiler.run("/bin/sh", ["generate.sh", "--check"])
    }
}
