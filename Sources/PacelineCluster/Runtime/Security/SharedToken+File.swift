extension SharedToken {
    /// Reads a token from a file that its owner alone may read.
    ///
    /// - Throws: ``PrivateFileError`` or ``SharedTokenError``.
    package init(file path: String) throws {
        // Room for white space round the longest token.
        let bytes = try PrivateFile.contents(of: path, limit: Self.byteCounts.upperBound + 64)
        try self.init(bytes, source: path)
    }
}
