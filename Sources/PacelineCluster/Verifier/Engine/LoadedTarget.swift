/// A target that is ready to serve: what loading it on the compute thread gives.
package struct LoadedTarget {
    package var engine: any TargetEngine
    package var description: TargetDescription

    package init(engine: any TargetEngine, description: TargetDescription) {
        self.engine = engine
        self.description = description
    }
}
