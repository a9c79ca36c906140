"""Operations that deserve a kernel of their own: a plain-JAX reference each, faster twins beside it."""
