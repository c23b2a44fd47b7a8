import PacelineTensor

/// The tensors of a published head's file, and which were asked for.
struct PublishedTensors {
    enum Source {
        case safetensors(SafetensorsFile)
        case gguf(GGUFFile)
    }

    private let source: Source
    private var left: Set<String>

    init(_ source: Source) {
        self.source = source
        switch source {
        case .safetensors(let file): left = Set(file.tensors.keys)
        case .gguf(let file): left = Set(file.tensorNames)
        }
    }

    /// The names of tensors that were not asked for.
    var names: Set<String> { left }

    /// Sizes, of which the last varies fastest; nil if there is no such tensor.
    func shape(_ name: String) -> [Int]? {
        switch source {
        case .safetensors(let file): file.tensors[name]?.shape
        case .gguf(let file): file.tensors[name]?.dimensions.reversed()
        }
    }

    func contains(_ name: String) -> Bool { shape(name) != nil }

    /// Asks for a tensor of a shape.
    mutating func claim(_ name: String, _ expected: [Int]) throws(PublishedHeadError.Reason) {
        guard let shape = shape(name) else { throw .missingTensor(name) }
        guard shape == expected else { throw .wrongShape(tensor: name, found: shape, expected: expected) }
        left.remove(name)
    }

    /// The number of rows of a matrix whose columns are known.
    func rows(_ name: String, columns: Int) throws(PublishedHeadError.Reason) -> Int {
        guard let shape = shape(name) else { throw .missingTensor(name) }
        guard shape.count == 2, shape[0] > 0, shape[1] == columns else {
            throw .wrongShape(tensor: name, found: shape, expected: [max(1, shape.first ?? 1), columns])
        }
        return shape[0]
    }

    /// Forgets tensors that repeat what the target has, or what others say.
    mutating func ignore(_ isKnown: (String) -> Bool) {
        left = left.filter { !isKnown($0) }
    }

    func requireNoneLeft() throws(PublishedHeadError.Reason) {
        if let first = left.min() { throw .unusedTensor(first, others: left.count - 1) }
    }

    /// The numbers of a tensor, row by row.
    func numbers(_ name: String) throws(PublishedHeadError.Reason) -> [Float] {
        let numbers =
            switch source {
            case .safetensors(let file): try floats(name, file)
            case .gguf(let file): try floats(name, file)
            }
        if let index = numbers.firstIndex(where: { !$0.isFinite }) { throw .notFinite(tensor: name, index: index) }
        return numbers
    }

    private func floats(_ name: String, _ file: SafetensorsFile) throws(PublishedHeadError.Reason) -> [Float] {
        guard let tensor = file.tensors[name] else { throw .missingTensor(name) }
        guard let numbers = file.floats(tensor) else {
            throw .wrongType(tensor: name, found: tensor.type.rawValue, expected: "F32, F16 or BF16")
        }
        return numbers
    }

    private func floats(_ name: String, _ file: GGUFFile) throws(PublishedHeadError.Reason) -> [Float] {
        guard let tensor = file.tensors[name] else { throw .missingTensor(name) }
        guard tensor.isSupported, WeightType(rawValue: tensor.type) != nil else {
            throw .wrongType(tensor: name, found: tensor.typeName, expected: "a weight type with kernels")
        }
        let row = FloatMatrix(rows: 1, columns: tensor.columns)
        var numbers: [Float] = []
        numbers.reserveCapacity(tensor.elementCount)
        for index in 0..<tensor.rows {
            tensor.expandRow(index, into: row, row: 0)
            numbers += row.row(0)
        }
        return numbers
    }

    /// The numbers of a tensor of integers.
    func integers(_ name: String) throws(PublishedHeadError.Reason) -> [Int] {
        var (numbers, found): ([Int]?, String) = (nil, "")
        switch source {
        case .safetensors(let file):
            guard let tensor = file.tensors[name] else { throw .missingTensor(name) }
            (numbers, found) = (file.integers(tensor), tensor.type.rawValue)
        case .gguf(let file):
            guard let tensor = file.tensors[name] else { throw .missingTensor(name) }
            (numbers, found) = (tensor.integers, tensor.typeName)
        }
        guard let numbers else { throw .wrongType(tensor: name, found: found, expected: "I64") }
        return numbers
    }
}
