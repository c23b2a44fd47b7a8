/// Hands out a file's tensors by name and remembers which ones were never requested.
struct TensorClaims {
    let file: GGUFFile
    private var claimed: Set<String> = []

    init(_ file: GGUFFile) {
        self.file = file
    }

    /// The matrix (rows x columns) called `name`. Throws if it is missing, or has another shape or a type without
    /// kernels.
    mutating func matrix(_ name: String, rows: Int, columns: Int) throws(GGUFError) -> GGUFTensor {
        claimed.insert(name)
        return try file.tensor(name, dimensions: [columns, rows])
    }

    /// The vector called `name`. Throws like ``matrix(_:rows:columns:)``.
    mutating func vector(_ name: String, count: Int) throws(GGUFError) -> GGUFTensor {
        claimed.insert(name)
        return try file.tensor(name, dimensions: [count])
    }

    /// The vector called `name`; nil if the file does not have it.
    mutating func vectorIfPresent(_ name: String, count: Int) throws(GGUFError) -> GGUFTensor? {
        contains(name) ? try vector(name, count: count) : nil
    }

    func contains(_ name: String) -> Bool {
        file.tensors[name] != nil
    }

    /// Throws if a tensor was never requested: computing without it would give another model's numbers.
    func requireNoneLeft(for architecture: Architecture) throws(GGUFError) {
        let left = file.tensorNames.filter { !claimed.contains($0) }
        guard let first = left.first else { return }
        throw file.error(.unusedTensor(first, others: left.count - 1, architecture: architecture.name))
    }
}

/// Some rows of a matrix, or some elements of a vector. One tensor of the file may hold several of them.
struct TensorSlice {
    let tensor: GGUFTensor
    /// Rows of the matrix or elements of the vector.
    let range: Range<Int>

    init(_ tensor: GGUFTensor, _ range: Range<Int>) {
        self.tensor = tensor
        self.range = range
    }

    /// The size of the matrix rows in the file, in bytes.
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
