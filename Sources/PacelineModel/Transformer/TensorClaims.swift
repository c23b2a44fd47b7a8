/// Hands out a file's tensors by name and remembers which of them nobody asked for.
struct TensorClaims {
    let file: GGUFFile
    private var claimed: Set<String> = []

    init(_ file: GGUFFile) {
        self.file = file
    }

    /// The matrix (rows x columns) called `name`, which must be there with this shape and a type that has kernels.
    mutating func matrix(_ name: String, rows: Int, columns: Int) throws(GGUFError) -> GGUFTensor {
        claimed.insert(name)
        return try file.tensor(name, dimensions: [columns, rows])
    }

    /// The vector called `name`, on the same terms.
    mutating func vector(_ name: String, count: Int) throws(GGUFError) -> GGUFTensor {
        claimed.insert(name)
        return try file.tensor(name, dimensions: [count])
    }

    /// The same if the file has it.
    mutating func vectorIfPresent(_ name: String, count: Int) throws(GGUFError) -> GGUFTensor? {
        contains(name) ? try vector(name, count: count) : nil
    }

    func contains(_ name: String) -> Bool {
        file.tensors[name] != nil
    }

    /// Throws if there is a tensor that nobody asked for: numbers without it would be another model's.
    func requireNoneLeft(for architecture: Architecture) throws(GGUFError) {
        let left = file.tensorNames.filter { !claimed.contains($0) }
        guard let first = left.first else { return }
        throw file.error(.unusedTensor(first, others: left.count - 1, architecture: architecture.name))
    }
}

/// Rows of a matrix, or elements of a vector, that the file keeps in one tensor with others.
struct TensorSlice {
    let tensor: GGUFTensor
    /// Rows of the matrix or elements of the vector.
    let range: Range<Int>

    init(_ tensor: GGUFTensor, _ range: Range<Int>) {
        self.tensor = tensor
        self.range = range
    }

    /// Bytes in the file of a matrix's rows.
    var byteCount: Int { range.count * (tensor.range.count / tensor.rows) }

    /// A whole matrix.
    init(matrix tensor: GGUFTensor) {
        self.init(tensor, 0..<tensor.rows)
    }

    /// A whole vector.
    init(vector tensor: GGUFTensor) {
        self.init(tensor, 0..<tensor.elementCount)
    }
}
