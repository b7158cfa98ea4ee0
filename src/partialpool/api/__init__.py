"""The front door: a model, its fit, and three poolings compared. Methods only delegate."""
