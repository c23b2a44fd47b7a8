import CoreMetrics
import PacelineMetrics
import Testing
