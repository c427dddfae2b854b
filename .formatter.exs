[
  inputs: ["{mix,.formatter}.exs", "{build,examples,lib,test}/**/*.{ex,exs}"],
  line_length: 110
]
