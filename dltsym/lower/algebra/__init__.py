"""The algebra of the tensor IR: constructors that stabilise, and what they read off nodes."""
