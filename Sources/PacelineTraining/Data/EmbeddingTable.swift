/// The target's embeddings of the tokens that the data has. They are frozen.
package struct EmbeddingTable<Scalar: TrainingScalar>: Equatable, Sendable {
    private let rows: Matrix<Scalar>
    /// Row by token; -1 for tokens without one.
    private let rowOfToken: [Int32]

    /// - Parameters:
    ///   - tokens: whose embeddings the rows are; all tokens from 0 on unless given.
    ///   - rows: tokens × width.
    package init(tokens: [Int]? = nil, rows: Matrix<Scalar>) throws(TrainingDataError) {
        let tokens = tokens ?? Array(0..<rows.rows)
        guard tokens.count == rows.rows, Set(tokens).count == tokens.count, tokens.allSatisfy({ $0 >= 0 }) else {
            throw .embedding(rows: rows.rows, tokens: tokens.count)
        }
        var rowOfToken = [Int32](repeating: -1, count: (tokens.max() ?? -1) + 1)
        for (row, token) in tokens.enumerated() { rowOfToken[token] = Int32(row) }
        (self.rows, self.rowOfToken) = (rows, rowOfToken)
    }

    package var width: Int { rows.columns }

    package func contains(_ token: Int) -> Bool {
        rowOfToken.indices.contains(token) && rowOfToken[token] >= 0
    }

    /// The embeddings of tokens that the table has: tokens × width.
    package func embed(_ tokens: [Int]) -> Matrix<Scalar> {
        rows.gathering(tokens.map { Int(rowOfToken[$0]) })
    }

    func check(_ tokens: [Int], sequence: Int) throws(TrainingDataError) {
        for (position, token) in tokens.enumerated() where !contains(token) {
            throw .unknownToken(sequence: sequence, position: position, token: token)
        }
    }
}
