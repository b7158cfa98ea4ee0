"""The public interface: models, fits, comparisons of poolings. Methods only delegate."""
